"""An experiment's report in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from service.experiments_outlook import FEW, Measure, Outlook, has_few
from service.experiments_report import MISMATCH, ExperimentReport
from service.weights.experiments import AbReport, InterleavingReport
from service.weights.proportions import Difference, Proportion

_REASONS = {
    "not_verified": "pages whose query id was made up, of another client or of another key",
    "product_of_no_team": "clicks on products that neither version had picked",
    "without_impression": "events without an impression",
    "other_client": "events of another client than the one who was shown the page",
    "not_shown_there": "clicks on products that were not shown there",
    "contradiction": "impressions that contradict each other",
    "blank_query": "pages without words",
    "busy_client": "pages of clients that are as busy as programs",
    "clicks_everything": "pages of clients that click on everything",
    "repeated_query": "pages of a query that a client asked again and again",
}

_NAMES: Mapping[Measure, str] = {
    "clicked": "Clicks",
    "bought": "Purchases",
    "preferred": "Preference",
}


def in_words(report: ExperimentReport) -> str:
    """Return the report as lines of text."""
    return "\n".join(_lines(report))


def verdicts(report: ExperimentReport, outlooks: Mapping[Measure, Outlook]) -> list[str]:
    """Return one sentence a measure: who leads, how sure that is, and how long it still takes."""
    if report.split_p_value is not None and report.split_p_value < MISMATCH:
        return ["Nobody can be said to lead: the clients are not divided as the share says."]
    if has_few(report):
        return [f"Too few clients to say who leads: it takes {FEW} in each arm."]
    return [f"{_NAMES[name]}: {_verdict_on(outlook)}" for name, outlook in outlooks.items()]


def left_out_words(left_out: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return why pages or events do not count, in words, and how many."""
    return tuple(
        (_REASONS.get(reason, reason), count) for reason, count in sorted(left_out.items())
    )


def _verdict_on(outlook: Outlook) -> str:
    if outlook.leader is None:
        return "A and B are alike so far."
    if outlook.is_clear:
        return f"{outlook.leader} leads; {_verdict(outlook.p_value)}."
    wait = ""
    if outlook.clients_more is not None:
        wait = f" If the difference is as large as it looks, {_about(outlook.clients_more)} more"
        wait += " clients should show it"
        if outlook.days_more is not None:
            wait += f", in {_time(outlook.days_more)} at the pace so far"
        wait += "."
    return f"{outlook.leader} is ahead, but {_verdict(outlook.p_value)}.{wait}"


def _about(count: int) -> str:
    # Two digits: it is guessed from a difference that is not known well.
    exponent = max(0, len(str(count)) - 2)
    return f"about {-(-count // 10**exponent) * 10**exponent:,}"


def _time(days: float) -> str:
    if days < 1:
        return "less than a day"
    return f"about {round(days):,} {'day' if round(days) == 1 else 'days'}"


def _lines(report: ExperimentReport) -> Iterator[str]:
    first, second = report.versions
    yield f"experiment {report.experiment_id} on {report.index!r}: A is {first}, B is {second}"
    yield f"{report.clients:,} clients saw {report.pages:,} result pages of it"
    if isinstance(report.result, AbReport):
        yield from _ab(report.result)
    else:
        yield from _interleaved(report.result)
    if report.split_p_value is not None and report.split_p_value < MISMATCH:
        yield (
            "WARNING: the clients are not divided as the share says "
            f"(p = {report.split_p_value:.1g}). Events of one version get lost, or client_id is "
            "not the same in searches and events: trust none of these numbers before it is found."
        )
    yield from _left_out(report.left_out)


def _ab(result: AbReport) -> Iterator[str]:
    a, b = result.versions
    measures = (
        ("clicked", result.clicks, result.click_difference),
        ("bought", result.purchases, result.purchase_difference),
    )
    for verb, shares, found in measures:
        yield f"{verb}: {_share(shares[a])} of A, {_share(shares[b])} of B"
        yield f"  B - A: {_points(found)}; {_verdict(found.p_value)}"
    if min(share.trials for share in result.clicks.values()) < FEW:
        yield f"fewer than {FEW} clients in an arm: too few to go by"


def _interleaved(result: InterleavingReport) -> Iterator[str]:
    decided = result.wins + result.losses
    yield (
        f"{result.wins:,} clients preferred B, {result.losses:,} A, {result.ties:,} both alike; "
        f"{result.without_clicks:,} clicked on nothing that counts"
    )
    yield f"B is preferred by {_share(result.preference)}; {_verdict(result.p_value)}"
    if decided < FEW:
        yield f"fewer than {FEW} clients preferred one: too few to go by"


def _share(found: Proportion) -> str:
    if not found.trials:
        return "none of 0 clients"
    return (
        f"{found.value:.1%} of {found.trials:,} clients "
        f"(95 % interval {found.low:.1%} to {found.high:.1%})"
    )


def _points(found: Difference) -> str:
    value, low, high = (100 * one for one in (found.value, found.low, found.high))
    return f"{value:+.1f} points (95 % interval {low:+.1f} to {high:+.1f})"


def _verdict(p_value: float) -> str:
    said = f"p = {p_value:.2g}" if p_value >= 0.001 else "p < 0.001"
    if p_value < 0.01:
        return f"{said}: chance hardly makes as much"
    if p_value < 0.05:
        return f"{said}: chance seldom makes as much"
    return f"{said}: chance alone may well make as much"


def _left_out(left_out: Mapping[str, int]) -> Iterator[str]:
    if left_out:
        yield "left out, of all searches of the index:"
    for reason, count in left_out_words(left_out):
        yield f"  {reason}: {count:,}"
