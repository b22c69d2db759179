# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The parts of a flow worker that are never done."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

import psycopg

logger = logging.getLogger(__name__)


async def keep_going(step: Callable[[], Coroutine[None, None, None]]) -> None:
    """Do it for ever, whatever fails underneath."""
    while True:
        try:
            await step()
        except (psycopg.Error, OSError) as error:
            logger.warning("a part of the flow worker lost its connection (%s); it begins again", error)
        except Exception:
            logger.exception("a part of the flow worker broke; it begins again")
        await asyncio.sleep(1)
