"""`userctl auth`: the AuthenticationService, compared with what users are."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from attrs import define, field
from cyclopts import Parameter, validators

from user_cli.commands.options import AsJson, command_group
from user_cli.failures import UsageError
from user_cli.output import note, say, show_json
from user_cli.session import Session, open_session
from user_cli.views_deliveries import found_object, show_found
from usercore.delivery.reconcile import PAGE, Found, Reconciled
from usercore.kernel.reasons import require_reason

app = command_group("auth", "The AuthenticationService: find and mend what has drifted.")

_USERS: Final = "users"
_CREDENTIALS: Final = "credentials"


@app.command
async def reconcile(
    *,
    dry_run: bool = False,
    remove_orphaned: bool = False,
    reason: Annotated[str | None, Parameter(help="Why orphaned credentials are removed; needed for that.")] = None,
    after: str | None = None,
    page: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=500), show_default=True)] = PAGE,
    as_json: AsJson = False,
) -> None:
    """Compare users with the credentials that the AuthenticationService keeps, and mend what has drifted.

    MISSING credentials are made without a password: their users ask for a new one. WRONG_LOGIN and WRONG_STATE are
    set right. ORPHANED ones, whose user was erased or never was, are shown, and removed only with --remove-orphaned.
    What mends is a delivery, which the running service tells. Users whose deliveries wait are left out. Running it
    twice is harmless; where it is interrupted, it says how to go on.

    ```
    userctl auth reconcile --dry-run
    userctl auth reconcile --remove-orphaned --reason "restored from yesterday's backup"
    ```

    Args:
        dry_run: find, and mend nothing.
        remove_orphaned: have orphaned credentials removed.
        reason: why.
        after: go on where an interrupted run said.
        page: users compared together.
        as_json: write {"items": [...], "usersChecked": ..., "credentialsChecked": ..., "mended": ...}.
    """
    if remove_orphaned != (reason is not None) or (remove_orphaned and dry_run):
        raise UsageError("--remove-orphaned and --reason go together, and not with --dry-run")
    if reason is not None:
        require_reason(reason)
    run = _Run(dry_run, reason, page, after)
    async with open_session() as session:
        try:
            async for one in run.pages(session):
                run.take(one)
        except BaseException:
            run.tell()
            raise
    run.show(as_json=as_json)


@define
class _Run:
    """How far it came, and what it found."""

    dry_run: bool
    reason: str | None
    size: int
    place: str | None
    found: list[Found] = field(factory=list)
    checked: dict[str, int] = field(factory=lambda: {_USERS: 0, _CREDENTIALS: 0})
    phase: str = _USERS

    @property
    def compared(self) -> int:
        """How many users and credentials were compared."""
        return self.checked[_USERS] + self.checked[_CREDENTIALS]

    async def pages(self, session: Session) -> AsyncIterator[Reconciled]:
        """Yield page after page: users first, then credentials."""
        work, context = session.core.reconcile_credentials, session.context
        begin, _, cursor = (self.place or _USERS).partition(":")
        if begin not in self.checked:
            raise UsageError("--after takes what an interrupted run said")
        self.phase = begin
        after = cursor or None
        while True:
            if self.phase == _USERS:
                page = await work.of_users(after=after, limit=self.size, dry_run=self.dry_run)
            else:
                page = await work.of_credentials(after=after, limit=self.size, reason=self.reason, context=context)
            yield page
            after = page.next_cursor
            if after is None and self.phase == _CREDENTIALS:
                return
            if after is None:
                self.phase = _CREDENTIALS

    def take(self, page: Reconciled) -> None:
        """Take in a page."""
        self.found.extend(page.found)
        self.checked[self.phase] += page.checked
        self.place = _CREDENTIALS if page.next_cursor is None else f"{self.phase}:{page.next_cursor}"

    def tell(self) -> None:
        """Say how to go on."""
        if self.place is not None and self.compared:
            note(f"{self.compared} were compared; go on with: userctl auth reconcile --after {self.place}")

    def show(self, *, as_json: bool) -> None:
        """Write what was found."""
        mended = sum(one.mended_by is not None for one in self.found)
        if as_json:
            counts = {"usersChecked": self.checked[_USERS], "credentialsChecked": self.checked[_CREDENTIALS]}
            show_json({"items": [found_object(one) for one in self.found], **counts, "mended": mended})
            return
        show_found(self.found)
        say(
            f"{self.checked[_USERS]} users and {self.checked[_CREDENTIALS]} credentials compared, "
            f"{len(self.found)} drifted, {mended} being mended."
        )
