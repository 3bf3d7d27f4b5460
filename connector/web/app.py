"""The application that `handoff serve` serves: webhooks of the CRM, and answers by link where the portal has them."""

from __future__ import annotations

from connector.delivery.answer_links import PATH
from connector.web.answers import AnswerRoutes
from connector.web.intake import Receive, Scope, Send
from connector.web.receiver import Receiver


class App:
    """`answers` None: the portal gives no answer links."""

    def __init__(self, receiver: Receiver, answers: AnswerRoutes | None = None) -> None:
        self._receiver, self._answers = receiver, answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._answers is not None and PATH in str(scope["path"]):
            await self._answers(scope, receive, send)
        else:
            await self._receiver(scope, receive, send)
