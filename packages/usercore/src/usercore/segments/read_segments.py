"""Read segments that are kept, and what they mean now."""

from collections.abc import Sequence

from attrs import frozen

from usercore.segments.errors import SegmentNotFoundError
from usercore.segments.ports import SegmentStore
from usercore.segments.read_filter import ReadFilter, UserFilter
from usercore.segments.values import Segment


@frozen
class ReadSegments:
    """Lists segments, and reads their filters."""

    store: SegmentStore
    read: ReadFilter

    async def __call__(self) -> Sequence[Segment]:
        """Return every segment, by name.

        Raises:
            UnavailableError: the database does not answer.
        """
        return await self.store.all()

    async def one(self, name: str) -> Segment:
        """Return the segment of a name.

        Raises:
            SegmentNotFoundError: there is none.
            UnavailableError: the database does not answer.
        """
        segment = await self.store.get(name)
        if segment is None:
            raise SegmentNotFoundError
        return segment

    async def filter_of(self, name: str) -> UserFilter:
        """Return what a segment's filter means at this moment.

        Raises:
            SegmentNotFoundError: there is none of this name.
            SegmentInvalidError: it names a topic, a purpose or a tier that is no more.
            UnavailableError: the database does not answer.
        """
        return await self.read((await self.one(name)).text)
