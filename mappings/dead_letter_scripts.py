"""The steps of the dead letters that must happen as one: Lua, which Redis runs undivided.

Keys, all beginning with the one that a script is given:

:letters          id to the letter's JSON
:indexes          id to the letter's index
:products         id to the letter's product
:times            ids by the microsecond, of all letters
:times:{index}    the same for one index
:waiting:{index}  product to the number of its letters
:bytes            length of all letters' JSON
"""

from __future__ import annotations

_COMMON = """
local root = KEYS[1]
local function drop(id)
  local size = redis.call('HSTRLEN', root .. ':letters', id)
  local index = redis.call('HGET', root .. ':indexes', id)
  local product = redis.call('HGET', root .. ':products', id)
  redis.call('DECRBY', root .. ':bytes', size)
  redis.call('HDEL', root .. ':indexes', id)
  redis.call('HDEL', root .. ':products', id)
  redis.call('ZREM', root .. ':times', id)
  if index then redis.call('ZREM', root .. ':times:' .. index, id) end
  if product and redis.call('HINCRBY', root .. ':waiting:' .. index, product, -1) <= 0 then
    redis.call('HDEL', root .. ':waiting:' .. index, product)
  end
  return redis.call('HDEL', root .. ':letters', id)
end
"""

ADD = (
    _COMMON
    + """
-- ARGV: most letters, most bytes, then id, index, product, microsecond and JSON in turn.
-- Returns how many had to go.
for place = 3, #ARGV, 5 do
  local id, index, product, at, letter = unpack(ARGV, place, place + 4)
  drop(id)
  redis.call('HSET', root .. ':letters', id, letter)
  redis.call('HSET', root .. ':indexes', id, index)
  redis.call('HSET', root .. ':products', id, product)
  redis.call('HINCRBY', root .. ':waiting:' .. index, product, 1)
  redis.call('ZADD', root .. ':times', at, id)
  redis.call('ZADD', root .. ':times:' .. index, at, id)
  redis.call('INCRBY', root .. ':bytes', #letter)
end
local gone = 0
while redis.call('ZCARD', root .. ':times') > tonumber(ARGV[1])
    or tonumber(redis.call('GET', root .. ':bytes')) > tonumber(ARGV[2]) do
  local oldest = redis.call('ZRANGE', root .. ':times', 0, 0)[1]
  if not oldest then
    redis.call('DEL', root .. ':bytes')
    break
  end
  drop(oldest)
  gone = gone + 1
end
return gone
"""
)

REMOVE = (
    _COMMON
    + """
-- ARGV: ids. Returns how many were there.
local gone = 0
for _, id in ipairs(ARGV) do gone = gone + drop(id) end
return gone
"""
)

PURGE = (
    _COMMON
    + """
-- ARGV: index or nothing, newest microsecond. Returns how many were there.
local times = root .. ':times'
if ARGV[1] ~= '' then times = times .. ':' .. ARGV[1] end
local gone = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', times, '-inf', ARGV[2])) do
  gone = gone + drop(id)
end
return gone
"""
)
