"""The lock that a STOP and a claim share is the same for the same person and different for others."""

from hypothesis import given
from hypothesis import strategies as st

from twoway_router.consent.rules import ConsentChange, Person, lock_key

PEOPLE = st.builds(Person, number_id=st.uuids(), msisdn=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))


@given(PEOPLE)
def test_a_lock_key_fits_into_32_bits(person: Person) -> None:
    assert -(2**31) <= lock_key(person) < 2**31


@given(PEOPLE)
def test_a_change_locks_the_same_person_as_a_claim(person: Person) -> None:
    change = ConsentChange(number_id=person.number_id, msisdn=person.msisdn)

    assert lock_key(change.person) == lock_key(person)


@given(PEOPLE, st.uuids())
def test_another_number_is_another_lock(person: Person, other: object) -> None:
    elsewhere = Person(number_id=other, msisdn=person.msisdn)  # type: ignore[arg-type] # a UUID of hypothesis

    assert elsewhere == person or lock_key(elsewhere) != lock_key(person)
