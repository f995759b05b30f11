"""Words that only an operator can allow on shared numbers: barred ones and names of firms. Read once; used by ``claims``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict

from twoway_router.domain.ids import TenantId
from twoway_router.routing.text import Folded, fold
from twoway_router.routing.types import VerdictCode
from twoway_router.routing.word_faults import Fault, look_alikes_of


class BarredWordsFile(BaseModel):
    """The file: words that only an operator can allow, and names with the tenant that may use each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    barred: tuple[str, ...] = ()
    brands: Mapping[str, UUID | None] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class BarredWords:
    """The file's words by folded key. A brand's tenant is None if no tenant of this router has it."""

    barred: Mapping[str, str] = field(default_factory=dict)
    brands: Mapping[str, tuple[str, TenantId | None]] = field(default_factory=dict)

    def fault_of(self, folded: Folded, tenant_id: TenantId) -> Fault | None:
        """Why a tenant needs an operator for this word, or a word of this phrase."""
        if not self.barred and not self.brands:
            return None
        for key in look_alikes_of(folded):
            if key in self.barred:
                return Fault(VerdictCode.BARRED, f"Only an operator can allow {self.barred[key]}.", is_final=False)
            name, holder = self.brands.get(key, ("", tenant_id))
            if holder != tenant_id:
                return Fault(
                    VerdictCode.BRAND,
                    f"{name} is the name of another firm; only an operator can allow it.",
                    is_final=False,
                )
        return None


NO_BARRED_WORDS: Final = BarredWords()


def read_barred_words(text: str) -> BarredWords:
    """The words of a file as YAML; raises ValueError if it cannot be understood or names a tenant that is no UUID."""
    try:
        given = BarredWordsFile.model_validate(yaml.safe_load(text) or {})
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    return fold_barred_words(
        given.barred, {name: None if tenant is None else TenantId(tenant) for name, tenant in given.brands.items()}
    )


def fold_barred_words(barred: Iterable[str], brands: Mapping[str, TenantId | None]) -> BarredWords:
    """The words by what they fold to."""
    return BarredWords(
        barred={fold(word).key: word for word in barred},
        brands={fold(name).key: (name, tenant_id) for name, tenant_id in brands.items()},
    )
