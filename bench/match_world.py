"""The numbers, keywords and messages that ``bench.match`` times: made up, the same in every run."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from uuid import UUID

from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.domain.messages import Sharing
from twoway_router.routing.types import KeywordRules, NumberRules, RouteRequest
from twoway_router.routing.words import common_words

AT = datetime(2026, 1, 1, tzinfo=UTC)
TENANTS = [TenantId(UUID(int=1 << 64 | number)) for number in range(1_000)]
SYLLABLES = [consonant + vowel for consonant in "bcdfglmnprstvz" for vowel in "aeiou"][:48]
HAN = "天地人家城市花果山水火车店美食品牌书音乐电影运动健康快乐金银海龙虎马牛羊东西南北春夏秋冬"


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """The numbers, how many keywords each has, and a way to make keyword number n again."""

    numbers: list[NumberRules]
    bounds: list[int]

    def keyword(self, place: int, number: int) -> KeywordRules:
        word = word_of(place)
        return KeywordRules(
            keyword_id=KeywordId(
                UUID(int=0x7000 << 64 | 0x8000_0000_0000_0000 | place * 0x9E37_79B9_7F4A_7C15 % (1 << 62))
            ),
            tenant_id=TENANTS[place % len(TENANTS)],
            number_id=self.numbers[number].number_id,
            spellings=(word,),
        )

    def keywords(self) -> Iterator[KeywordRules]:
        place = 0
        for number, bound in enumerate(self.bounds):
            yield from (self.keyword(at, number) for at in range(place, bound))
            place = bound


def word_of(place: int) -> str:
    """A keyword: mostly made-up words, some phrases, codes and Chinese words; each place gives another one."""
    rest = place * 7 + 11
    parts: list[str] = []
    while rest or len(parts) < 3:
        rest, step = divmod(rest, len(SYLLABLES))
        parts.append(SYLLABLES[step])
    word = "".join(parts).upper()
    kind = place % 20
    if kind < 12:
        return word
    if kind < 15:
        return f"{word} {SYLLABLES[place % 40].upper()}TA"
    if kind < 17:
        return f"{word}{place % 100}"
    if kind == 17:
        return word.replace("A", "Á", 1).replace("O", "Ñ", 1)
    if kind == 18:
        return "".join(HAN[place // len(HAN) ** power % len(HAN)] for power in range(4))
    return f"50%{word}"


def a_world(count: int, numbers: int) -> World:
    """Numbers whose shares of the keywords follow Zipf; the largest of a thousand has about 12 %."""
    rules = [
        NumberRules(
            number_id=NumberId(UUID(int=2 << 64 | number)), country="ES", address=str(10_000 + number), sharing=Sharing.SHARED,
            languages=("es", "en"),
        )
        for number in range(numbers)
    ]  # fmt: skip
    weights = list(accumulate(1 / rank for rank in range(1, numbers + 1)))
    return World(numbers=rules, bounds=[round(count * weight / weights[-1]) for weight in weights])


def some_messages(world: World, count: int) -> list[RouteRequest]:
    """30 % bare keyword, 20 % with text, 6 % quoted, 10 % short answers, 24 % English and 10 % Chinese chatter."""
    chance = random.Random(7)
    english, chinese = sorted(common_words("en")), sorted(common_words("zh"))
    made = []
    total = world.bounds[-1]
    for _ in range(count):
        place = chance.randrange(total)
        number = next(at for at, bound in enumerate(world.bounds) if place < bound)
        word = word_of(place)
        chat = " ".join(chance.choices(english, k=chance.randint(3, 12)))
        roll = chance.random()
        if roll < 0.30:
            text = chance.choice((word, word.lower(), word.capitalize()))
        elif roll < 0.50:
            text = f"{word.lower()} {chat}"
        elif roll < 0.56:
            text = f'"{word}"'
        elif roll < 0.66:
            text = chance.choice(("si", "no", "ok", "Yes", "7", "10", "vale", "Sí", "gracias"))
        elif roll < 0.90:
            text = chat.capitalize()
        else:
            text = "".join(chance.choices(chinese, k=chance.randint(3, 8)))
        made.append(RouteRequest(number_id=world.numbers[number].number_id, sender="", text=text, at=AT))
    return made
