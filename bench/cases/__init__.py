"""Every case, in the order in which they run."""

from bench.cases.consuming import CONSUMING
from bench.cases.exporting import EXPORTING
from bench.cases.growing import GROWING
from bench.cases.importing import IMPORTING
from bench.cases.listing import LISTING
from bench.cases.reading import READING
from bench.cases.relaying import RELAYING
from bench.cases.starting import STARTING
from bench.cases.writing import WRITING
from bench.measure import Case

ALL: tuple[Case, ...] = (
    *READING,
    *WRITING,
    *CONSUMING,
    *RELAYING,
    *LISTING,
    *IMPORTING,
    *EXPORTING,
    *GROWING,
    *STARTING,
)
