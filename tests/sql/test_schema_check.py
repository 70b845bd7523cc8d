"""No copy gets requests before the tables are far enough for it."""

import pytest

from tests.e2e.harness.rows import rows
from usercore.adapters.sql import open_database
from usercore.adapters.sql.schema_check import SchemaCheck
from usercore.adapters.sql.versions import Chain, Phase
from usercore.kernel.errors import UnavailableError
from usercore.kernel.secret import Secret
from usercore.settings import DatabaseSettings


async def test_tables_that_lack_a_version_will_not_do_and_those_of_a_later_program_will(
    migrated_database_url: str,
) -> None:
    url = migrated_database_url
    versions = Chain.read().versions
    needed = [one.revision for one in versions if one.phase is not Phase.CONTRACT]
    async with open_database(DatabaseSettings(Secret(url))) as database:
        await SchemaCheck(database).passed()
        await rows(url, "UPDATE schema_version SET version_num = %s", needed[-2])
        check = SchemaCheck(database)
        for _ in range(2):
            with pytest.raises(UnavailableError, match="userctl db upgrade"):
                await check.passed()
        await rows(url, "UPDATE schema_version SET version_num = 'later'")
        await check.passed()
        await rows(url, "DELETE FROM schema_version")
        await check.passed()
        with pytest.raises(UnavailableError):
            await SchemaCheck(database).passed()
