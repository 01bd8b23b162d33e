"""A request for a page: who asks, of which project, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from orchestration.pages.navigation import tabs
from orchestration.pages.notices import COOKIE, put_notice, take_notice
from orchestration.pages.render import html
from orchestration.services.access.actor import Actor
from orchestration.services.access.rights import right_of
from orchestration.services.access.visits import actor_of, form_token
from orchestration.services.asking.client import Asker, Tell
from orchestration.services.asking.question import Question
from orchestration.services.paging import LIMIT
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site, site_of

FORM_FIELDS = 2_000
FIELD_BYTES = 1_000_000
R = TypeVar("R")


@dataclass(frozen=True)
class Visit:
    """What a page is given.

    Args:
        request: as it came in.
        project: whose data section it is.
    """

    request: Request
    project: Project

    @property
    def site(self) -> Site:
        """The server's view."""
        return site_of(self.request.app.state)

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return actor_of(self.request)

    @cached_property
    def base(self) -> str:
        """Where the project's pages begin."""
        return f"/data/{quote(self.project.name, safe='')}"

    @property
    def is_fragment(self) -> bool:
        """Whether a script asks for a part of a page that is open."""
        return "hx-request" in self.request.headers

    def may(self, use_case: str) -> bool:
        """Whether to offer something."""
        right = right_of(use_case)
        return self.actor.may(right.role, right.scope)

    @property
    def form_token(self) -> str:
        """What a form of this page proves with that this server made it."""
        return form_token(self.request)

    def query(self, name: str, default: str = "") -> str:
        """A parameter of the address."""
        return self.request.query_params.get(name, default)

    def queries(self, name: str) -> tuple[str, ...]:
        """All values of a parameter that may stand there more than once."""
        return tuple(self.request.query_params.getlist(name))

    def number(self, name: str, default: int = LIMIT) -> int:
        """A parameter that is a whole number; the default when it is none."""
        given = self.query(name)
        return int(given) if given.isascii() and given.isdigit() and len(given) < 12 else default

    def new_import(self, kind: str, name: str) -> str:
        """The address where an import task into something is made."""
        return f"{self.base}/imports/-/new?{urlencode({'target': f'{kind}:{name}'})}"

    def address(self, **changed: str | None) -> str:
        """The address of this page with some parameters changed; None leaves one out."""
        kept = [pair for pair in self.request.query_params.multi_items() if pair[0] not in changed]
        new = [(name, value) for name, value in changed.items() if value is not None]
        return f"{self.request.url.path}?{urlencode([*kept, *new])}"

    async def form(self) -> FormData:
        """The fields of a form that was sent. Files are not taken this way."""
        return await self.request.form(
            max_files=0, max_fields=FORM_FIELDS, max_part_size=FIELD_BYTES
        )

    def asker(self) -> Asker:
        """Asks the project's process on behalf of who asks here."""
        return self.project.asker(self.actor)

    async def ask(self, question: Question[R], *, tell: Tell | None = None, **arguments: Any) -> R:
        """The answer of the project's process.

        Raises:
            WaybillError: what is wrong; the frame makes a page of it.
        """
        return await self.asker().ask(question, tell=tell, **arguments)

    async def run(self, function: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """The result of a function that waits for disk or database, in a thread."""
        return await run_in_threadpool(function, *args, **kwargs)

    async def render(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """A page of the project, with its tabs, what it has to say, and what does not load.

        Args:
            template: below `templates/`.
            status: of the answer.
            values: what the template shows.
        """
        notice, projects = take_notice(self.request, self.site), self.site.projects
        around = {
            "visit": self,
            "base": self.base,
            "project": self.project,
            "projects": [found.name for found in await projects.all()],
            "clashes": await projects.clashes(self.project.name),
            "tabs": tabs(self.base, self.request.url.path, self.request.app.state.page_names),
            "notice": notice,
            "actor": self.actor,
            "may": self.may,
        }
        answer = html(template, status, **around, **values)
        if notice:
            answer.delete_cookie(COOKIE, path="/data/")
        return answer

    def redirect(self, path: str, *, notice: str = "") -> Response:
        """Sends the browser on to a page of the project, which shows `notice` once."""
        answer = RedirectResponse(f"{self.base}{path}", status_code=303)
        return put_notice(answer, self.site, notice) if notice else answer
