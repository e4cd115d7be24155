"""The steps of the outbox that must happen as one: Lua, which Redis runs undivided.

Keys (a batch's name is "task:number"):

shelfwise:task:{task}            the task's record: see mappings.task_records
shelfwise:task:{task}:open       numbers of its unfinished batches
shelfwise:batch:{name}           a batch: index, lane, size, payload, submitted, and who has it
shelfwise:batch:{name}:products  product id to the number of its changes in the batch
shelfwise:batch:{name}:gathered  names of the batches that are worked on together with it
shelfwise:batch:{name}:suspects  see indexer.isolation
shelfwise:unfinished             names of all unfinished batches by the time of the last sending
shelfwise:waiting:{lane}:{index} small batches that nobody has begun, by their age
shelfwise:in-flight:{index}      product id to the number of its unfinished changes
shelfwise:arrivals               the last arrival that was given

A batch's keys are deleted when it is finished, and never expire before.
"""

from __future__ import annotations

_COMMON = """
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1000000
end
local function seconds(value) return string.format('%.6f', value) end
local function key_of(name) return 'shelfwise:batch:' .. name end
local function count_products(batch, index, sign)
  local key, found = 'shelfwise:in-flight:' .. index, redis.call('HGETALL', batch .. ':products')
  for place = 1, #found, 2 do
    if redis.call('HINCRBY', key, found[place], sign * tonumber(found[place + 1])) <= 0 then
      redis.call('HDEL', key, found[place])
    end
  end
end
local function finish(task, number, outcome, at, ttl)
  local head, name = 'shelfwise:task:' .. task, task .. ':' .. number
  local batch = key_of(name)
  if redis.call('HEXISTS', head, 'total') == 1 then
    if redis.call('HSETNX', head .. ':batches', number, outcome) == 1 then
      redis.call('HSET', head, 'changed_at', at)
    end
    redis.call('EXPIRE', head, ttl)
    redis.call('EXPIRE', head .. ':batches', ttl)
  end
  local found = redis.call('HMGET', batch, 'index', 'lane')
  if found[1] then
    count_products(batch, found[1], -1)
    redis.call('ZREM', 'shelfwise:waiting:' .. found[2] .. ':' .. found[1], name)
  end
  redis.call('DEL', batch, batch .. ':products', batch .. ':gathered', batch .. ':suspects')
  redis.call('ZREM', 'shelfwise:unfinished', name)
  redis.call('SREM', head .. ':open', number)
end
"""

RESERVE = """
-- KEYS: shelfwise:arrivals. ARGV: how many. Returns the first arrival.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local first = math.max(tonumber(redis.call('GET', KEYS[1]) or 0) + 1, now)
-- A plain tostring would round a number of 16 digits.
redis.call('SET', KEYS[1], string.format('%.0f', first + tonumber(ARGV[1]) - 1))
return string.format('%.0f', first)
"""

STORE = (
    _COMMON
    + """
-- ARGV: task, number, index, lane, size, payload, created_at, ttl, outcome if the task
-- is cancelled, then product id and count in turn.
-- Returns 1 when the batch is to be sent, 0 when it is finished.
local task, number, index, lane, size = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local head, name, at = 'shelfwise:task:' .. task, ARGV[1] .. ':' .. ARGV[2], clock()
local batch = key_of(name)
if redis.call('HEXISTS', head .. ':batches', number) == 1 then return 0 end
if redis.call('EXISTS', batch) == 1 then
  redis.call('ZADD', 'shelfwise:unfinished', seconds(at), name)
  return 1
end
redis.call('HSETNX', head, 'index', index)
redis.call('HSETNX', head, 'created_at', ARGV[7])
redis.call('HINCRBY', head, 'total', size)
redis.call('EXPIRE', head, ARGV[8])
if redis.call('HEXISTS', head, 'cancelled') == 1 then
  finish(task, number, ARGV[9], ARGV[7], ARGV[8])
  return 0
end
redis.call('HSET', batch, 'index', index, 'lane', lane, 'size', size, 'payload', ARGV[6],
           'submitted', seconds(at))
for place = 10, #ARGV, 2 do
  redis.call('HSET', batch .. ':products', ARGV[place], ARGV[place + 1])
end
count_products(batch, index, 1)
redis.call('ZADD', 'shelfwise:unfinished', seconds(at), name)
redis.call('SADD', head .. ':open', number)
if lane ~= 'bulk' then
  redis.call('ZADD', 'shelfwise:waiting:' .. lane .. ':' .. index, seconds(at), name)
end
return 1
"""
)

BEGIN = (
    _COMMON
    + """
-- ARGV: name, message id, seconds of the lease, most products together (0 = alone).
-- Returns {} when there is nothing to do, else attempt, starts, and for each batch its
-- name, index and payload, the leader first.
local name, message, at = ARGV[1], ARGV[2], clock()
local batch = key_of(name)
local found = redis.call('HMGET', batch, 'index', 'lane', 'size', 'holder', 'until', 'attempt')
local index, lane, before = found[1], found[2], found[4]
if not index then return {} end
if before and before ~= message and tonumber(found[5]) > at then return {} end
local together = {}
local function take(one)
  redis.call('HSET', key_of(one), 'holder', message, 'until', seconds(at + tonumber(ARGV[3])))
  redis.call('ZREM', 'shelfwise:waiting:' .. lane .. ':' .. index, one)
  together[#together + 1] = one
end
take(name)
local starts = redis.call('HINCRBY', batch, 'starts', 1)
local size, most = tonumber(found[3]), tonumber(ARGV[4])
for _, other in ipairs(redis.call('SMEMBERS', batch .. ':gathered')) do
  local state = redis.call('HMGET', key_of(other), 'size', 'holder', 'until')
  if state[1] and (state[2] == before or tonumber(state[3] or 0) <= at) then
    take(other)
    size = size + tonumber(state[1])
  else
    redis.call('SREM', batch .. ':gathered', other)
  end
end
-- After a death the group stays as it was: what killed the worker is in it.
if size < most and starts == 1 and not found[6] then
  local waiting = redis.call('ZRANGE', 'shelfwise:waiting:' .. lane .. ':' .. index, 0, most)
  for _, other in ipairs(waiting) do
    local state = redis.call('HMGET', key_of(other), 'size', 'until')
    if state[1] and size + tonumber(state[1]) <= most and tonumber(state[2] or 0) <= at then
      take(other)
      size = size + tonumber(state[1])
      redis.call('SADD', batch .. ':gathered', other)
    end
  end
end
local answer = {tonumber(found[6] or 0), starts}
for _, one in ipairs(together) do
  answer[#answer + 1] = one
  answer[#answer + 1] = index
  answer[#answer + 1] = redis.call('HGET', key_of(one), 'payload')
end
return answer
"""
)

FINISH = (
    _COMMON
    + """
-- ARGV: changed_at, ttl, then task, number and outcome of each batch in turn.
for place = 3, #ARGV, 3 do
  finish(ARGV[place], ARGV[place + 1], ARGV[place + 2], ARGV[1], ARGV[2])
end
"""
)

POSTPONE = (
    _COMMON
    + """
-- ARGV: name, seconds to wait, seconds of the lease. The group stays together.
local at, batch = clock() + tonumber(ARGV[2]), key_of(ARGV[1])
if redis.call('EXISTS', batch) == 0 then return end
redis.call('HINCRBY', batch, 'attempt', 1)
redis.call('HSET', batch, 'starts', 0)
local together = redis.call('SMEMBERS', batch .. ':gathered')
together[#together + 1] = ARGV[1]
local holder = redis.call('HGET', batch, 'holder')
for _, name in ipairs(together) do
  if redis.call('HGET', key_of(name), 'holder') == holder then
    redis.call('HSET', key_of(name), 'until', seconds(at + tonumber(ARGV[3])))
    redis.call('ZADD', 'shelfwise:unfinished', 'XX', seconds(at), name)
  end
end
"""
)

MOVE = (
    _COMMON
    + """
-- ARGV: lane, then names. Returns those that are still to be done.
local moved = {}
for place = 2, #ARGV do
  local batch = key_of(ARGV[place])
  local found = redis.call('HMGET', batch, 'index', 'lane')
  if found[1] then
    redis.call('ZREM', 'shelfwise:waiting:' .. found[2] .. ':' .. found[1], ARGV[place])
    redis.call('HSET', batch, 'lane', ARGV[1])
    redis.call('HDEL', batch, 'holder', 'until', 'starts', 'attempt')
    redis.call('DEL', batch .. ':gathered', batch .. ':suspects')
    redis.call('ZADD', 'shelfwise:unfinished', 'XX', seconds(clock()), ARGV[place])
    redis.call('ZADD', 'shelfwise:waiting:' .. ARGV[1] .. ':' .. found[1],
               redis.call('HGET', batch, 'submitted'), ARGV[place])
    moved[#moved + 1] = ARGV[place]
  end
end
return moved
"""
)

CANCEL = (
    _COMMON
    + """
-- ARGV: task, changed_at, ttl, outcome with SIZE in place of the batch's size.
-- Returns how many batches were cancelled, -1 when there is no such task.
local head = 'shelfwise:task:' .. ARGV[1]
if redis.call('HEXISTS', head, 'total') == 0 then return -1 end
redis.call('HSET', head, 'cancelled', ARGV[2])
local count = 0
for _, number in ipairs(redis.call('SMEMBERS', head .. ':open')) do
  local found = redis.call('HMGET', key_of(ARGV[1] .. ':' .. number), 'size', 'holder')
  if found[1] and not found[2] then
    finish(ARGV[1], number, string.gsub(ARGV[4], 'SIZE', found[1]), ARGV[2], ARGV[3])
    count = count + 1
  end
end
return count
"""
)

OVERDUE = (
    _COMMON
    + """
-- ARGV: seconds since the last sending, offset, limit.
-- Returns how many were looked at, then name, index and lane of those nobody has.
local at = clock()
local names = redis.call('ZRANGEBYSCORE', 'shelfwise:unfinished', '-inf',
                         seconds(at - tonumber(ARGV[1])), 'LIMIT', ARGV[2], ARGV[3])
local answer = {#names}
for _, name in ipairs(names) do
  local found = redis.call('HMGET', key_of(name), 'index', 'lane', 'until')
  if not found[1] then
    redis.call('ZREM', 'shelfwise:unfinished', name)
  elseif tonumber(found[3] or 0) <= at then
    answer[#answer + 1] = name
    answer[#answer + 1] = found[1]
    answer[#answer + 1] = found[2]
  end
end
return answer
"""
)

SENT = (
    _COMMON
    + """
-- ARGV: ttl, then names that were sent just now.
for place = 2, #ARGV do
  redis.call('ZADD', 'shelfwise:unfinished', 'XX', seconds(clock()), ARGV[place])
  local head = 'shelfwise:task:' .. string.match(ARGV[place], '^(.*):')
  redis.call('EXPIRE', head, ARGV[1])
  redis.call('EXPIRE', head .. ':batches', ARGV[1])
end
"""
)
