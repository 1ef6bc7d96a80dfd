"""The option `views` of every method: what its passes read."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

from uegr.errors import UsageError
from uegr.options import Options, option
from uegr.perturb.views import View, parse_view


@dataclass(frozen=True, kw_only=True)
class ViewOptions(Options):
    """The views of a method; see `uegr.perturb.views` for how they are written."""

    views: tuple[str, ...] = option(
        ("clean",),
        "what the passes of a step read: clean, or edited texts such as characters:0.2+words:0.15; for uegr and r-drop "
        "one view per pass, for other methods one for all [ours]",
    )

    max_views: ClassVar[int | None] = 1
    """Largest number of views; None: any."""
    shares_one_view: ClassVar[bool] = True
    """Whether all passes read one view, made before the forward stage begins; else the stage makes those it reads."""
    has_adversary: ClassVar[bool] = False
    """Whether a view may be adversarial."""

    def written_views(self, editable: bool = True) -> tuple[str, ...]:
        """The views as text, such as "characters:0.2"; `editable`: whether the texts of the batches can be edited."""
        return self.views

    def parsed_views(self, editable: bool = True) -> tuple[View, ...]:
        """`written_views` as `View` objects."""
        return tuple(parse_view(text) for text in self.written_views(editable))

    def view_of_each_pass(self, passes: int, editable: bool = True) -> list[View]:
        """The view that each pass reads; fewer views than passes are used again from the start."""
        return list(itertools.islice(itertools.cycle(self.parsed_views(editable)), passes))

    def check(self) -> None:
        if not self.views:
            raise UsageError("views must name at least one view, such as clean.")
        views = self.parsed_views()
        if self.max_views is not None and len(self.views) > self.max_views:
            raise UsageError(f"views must name at most {self.max_views}, not {len(self.views)}: leave some out.")
        if not self.has_adversary and any(view.adversarial for view in views):
            raise UsageError("this method has no adversarial view: choose clean, an edit such as characters, or uegr.")
