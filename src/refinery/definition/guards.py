"""What of a definition guards a run: shares from which on it warns or stops."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from refinery.definition.values import Model, Percentage, ShareOrNone, as_percentage, parse_share

Action = Literal["warn", "stop"]


class Limit(Model):
    """Shares above which a guard warns, and stops a run before its outputs are written."""

    warn: ShareOrNone | None = Field(None, description="above it the run warns")
    stop: ShareOrNone | None = Field(None, description="above it the run stops")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.warn is None and self.stop is None:
            raise ValueError("give `warn`, `stop` or both, or `off`")
        return self

    def __str__(self) -> str:
        """As people read it.

        >>> str(Limit(warn="1%", stop="5%"))
        'warns above 1%, stops above 5%'
        """
        both = (("warns", self.warn), ("stops", self.stop))
        return ", ".join(f"{word} above {as_percentage(share)}" for word, share in both if share is not None)

    def action(self, share: float) -> Action | None:
        """What a share calls for."""
        if self.stop is not None and share > self.stop:
            return "stop"
        return "warn" if self.warn is not None and share > self.warn else None


def _limit(action: Action) -> BeforeValidator:
    """`5%` for the action that a guard has by itself, `{warn: 1%, stop: 5%}`, or `off`."""

    def parse(value: Any) -> Any:
        if value is None or value is False or value == "off":  # YAML takes off for false
            return None
        if isinstance(value, dict | Limit):
            return value
        parse_share(value, zero=True)
        return {action: value}

    off = Literal["off", False]
    return BeforeValidator(parse, json_schema_input_type=Percentage | Limit | off | None)


StopAbove = Annotated[Limit | None, _limit("stop")]
WarnAbove = Annotated[Limit | None, _limit("warn")]


def _field(share: str, action: Action, description: str) -> Any:
    return Field(
        Limit.model_validate({action: share}), description=description, json_schema_extra={"default": share}
    )


class Guards(Model):
    """What no run does in silence: above its share each stops the run, `budget_missed` warns.

    `{warn: 1%, stop: 5%}` says both; `off` is neither.
    """

    rejected: StopAbove = _field("1%", "stop", "rows of a source that are no documents")
    dedup_loss: StopAbove = _field("90%", "stop", "documents of a source that go as duplicates at one stage")
    duplicates_of_one: StopAbove = _field(
        "20%", "stop", "documents of a source that go for one document, as near duplicates or by columns"
    )
    trusted_loss: StopAbove = _field("10%", "stop", "documents of a `trusted` source that one rule drops")
    budget_missed: WarnAbove = _field("0.5%", "warn", "tokens that a stage lacks of its budget")
