"""Master keys for tests."""

import base64
from typing import Final

from usercore.adapters.crypto import AesMasterKeys

_RAW: Final = bytes(range(32))
MASTER_KEYS: Final = AesMasterKeys.of({1: _RAW})
MASTER_KEYS_SETTING: Final = f"1:{base64.b64encode(_RAW).decode()}"
"""The same, as the environment says it."""
