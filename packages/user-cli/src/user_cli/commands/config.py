"""`userctl config`: the settings, checked and documented."""

import os
from pathlib import Path

from user_cli.commands.options import AsJson, command_group
from user_cli.failures import DriftError
from user_cli.inputs import read_bytes
from user_cli.output import show_json, show_table
from user_cli.settings_report import Report, markdown
from user_cli.settings_report import check as check_settings
from usercore.settings import SettingsError

app = command_group("config", "Check and document the settings.")


@app.command
def check(*, as_json: AsJson = False) -> None:
    """Show every variable that the service reads, and name those that are wrong or unknown.

    Secrets are masked. The exit code is 78 where something is wrong.

    ```
    userctl config check
    ```

    Args:
        as_json: write {"settings": [...], "problems": [...]}.
    """
    report = check_settings(os.environ)
    if as_json:
        show_json(_report_object(report))
    else:
        rows = (
            (row.setting.variable, row.value or "", _default(row.setting.default), row.setting.doc)
            for row in report.rows
        )
        show_table(("VARIABLE", "VALUE", "DEFAULT", "MEANING"), rows, empty="No settings.")
    wrong = report.problems + report.unknown
    if wrong:
        raise SettingsError(problems=wrong)


def _default(default: str | None) -> str:
    return "(needed)" if default is None else default


def _report_object(report: Report) -> dict[str, object]:
    return {
        "settings": [
            {
                "variable": row.setting.variable,
                "value": row.value,
                "default": row.setting.default,
                "secret": row.setting.secret,
                "doc": row.setting.doc,
            }
            for row in report.rows
        ],
        "problems": [{"variable": one.variable, "detail": one.detail} for one in report.problems + report.unknown],
    }


@app.command
def docs(*, check: Path | None = None) -> None:
    """Write the page that documents every variable, in Markdown.

    ```
    userctl config docs > docs/settings.md
    userctl config docs --check docs/settings.md
    ```

    Args:
        check: write nothing, and fail where this file is not that page.
    """
    page = markdown()
    if check is None:
        print(page, end="")  # noqa: T201 - this is what was asked for
    elif read_bytes(str(check)) != page.encode():
        raise DriftError(f"{check} is out of date: userctl config docs > {check}")
