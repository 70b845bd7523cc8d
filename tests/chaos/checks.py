"""What must hold of published events: nothing missing, nothing made up, and each user's in order."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import frozen


@frozen
class Written:
    """An event as the database has it.

    Args:
        event_id: its id.
        user_id: whose.
        version: which version of the user it announces.
        topic: where it belongs.
    """

    event_id: str
    user_id: str
    version: int
    topic: str


@frozen
class Published:
    """An event as a topic has it, in the order of offsets within its partition."""

    event_id: str
    user_id: str
    version: int
    topic: str
    partition: int
    offset: int


def faults(
    written: Iterable[Written], published: Sequence[Published], acknowledged: Iterable[tuple[str, int]]
) -> list[str]:
    """Return everything that is wrong, in words; an empty list where all is well.

    Args:
        written: every event that was committed.
        published: every record of the topics.
        acknowledged: user and version of each write whose caller was told that it was done.
    """
    truth = {one.event_id: one for one in written}
    return [
        *_unwritten(truth, acknowledged),
        *_missing(truth, published),
        *_changed(truth, published),
        *_disordered(published),
        *_gaps(truth.values()),
    ]


def _unwritten(truth: Mapping[str, Written], acknowledged: Iterable[tuple[str, int]]) -> Iterator[str]:
    known = {(one.user_id, one.version) for one in truth.values()}
    for user_id, version in acknowledged:
        if (user_id, version) not in known:
            yield f"version {version} of {user_id} was acknowledged and has no event"


def _missing(truth: Mapping[str, Written], published: Sequence[Published]) -> Iterator[str]:
    seen = {one.event_id for one in published}
    yield from (f"event {event_id} was never published" for event_id in truth.keys() - seen)
    yield from (f"event {event_id} was never written" for event_id in seen - truth.keys())


def _changed(truth: Mapping[str, Written], published: Sequence[Published]) -> Iterator[str]:
    for one in published:
        same = truth.get(one.event_id)
        if same is not None and (same.user_id, same.version, same.topic) != (one.user_id, one.version, one.topic):
            yield f"event {one.event_id} was published as another"


def _disordered(published: Sequence[Published]) -> Iterator[str]:
    partitions: dict[tuple[str, str], int] = {}
    latest: defaultdict[tuple[str, str], int] = defaultdict(int)
    seen: set[str] = set()
    for one in sorted(published, key=lambda each: (each.topic, each.partition, each.offset)):
        line = (one.topic, one.user_id)
        if partitions.setdefault(line, one.partition) != one.partition:
            yield f"events of {one.user_id} stand in two partitions of {one.topic}"
        if one.event_id in seen:
            continue  # a repetition, which consumers drop
        seen.add(one.event_id)
        if one.version <= latest[line]:
            yield f"version {one.version} of {one.user_id} came behind {latest[line]} in {one.topic}"
        latest[line] = max(latest[line], one.version)


def _gaps(written: Iterable[Written]) -> Iterator[str]:
    versions: defaultdict[str, list[int]] = defaultdict(list)
    for one in written:
        versions[one.user_id].append(one.version)
    for user_id, found in versions.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            yield f"the versions of {user_id} are not contiguous"
