"""Master keys, from where the settings say."""

import asyncio
import base64
import shlex

from usercore.adapters.crypto import AesMasterKeys
from usercore.kernel.secret import Secret
from usercore.settings import KeySettings, Problem, SettingsError
from usercore.settings.parsers import master_keys

_COMMAND = "USER_SERVICE_MASTER_KEYS_COMMAND"


async def open_master_keys(settings: KeySettings) -> AesMasterKeys:
    """Return the deployment's master keys; a command is run for them once.

    Raises:
        SettingsError: the command cannot be run, fails, takes too long, or prints something else.
    """
    given = settings.master_keys
    if given is None:
        given = await _printed(settings.command or "", settings.command_timeout_s)
    pairs = (pair.partition(":") for pair in given.reveal().split())
    return AesMasterKeys.of({int(version): base64.b64decode(key) for version, _, key in pairs})


async def _printed(command: str, timeout_s: float) -> Secret:
    try:
        printed = await _output(shlex.split(command), timeout_s)
        return master_keys(printed.decode("ascii"))
    except TimeoutError:
        raise _wrong(f"the command took longer than {timeout_s:g} s") from None
    except OSError as error:
        raise _wrong(f"the command cannot be run: {error.strerror}") from None
    except ValueError:
        raise _wrong("the command must print VERSION:KEY, each key 32 bytes in base64, and nothing else") from None


async def _output(arguments: list[str], timeout_s: float) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(timeout_s):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise _wrong(f"the command ended with {process.returncode}")
    return printed


def _wrong(detail: str) -> SettingsError:
    return SettingsError(problems=(Problem(_COMMAND, detail),))
