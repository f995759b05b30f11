"""What a number says itself when its operator has written nothing: one plain sentence per language. For ``actions``."""

from collections.abc import Mapping, Sequence
from typing import Final

from twoway_router.templates.liquid import render

OwnText = str | Mapping[str, str]
"""A text of the number's operator: one for all, or one per language."""

FALLBACK: Final = "en"

OPT_OUT: Final[Mapping[str, str]] = {
    "en": "You will get no more messages from {number}. Send START to get them again.",
    "it": "Non riceverai altri messaggi da {number}. Invia START per riceverli di nuovo.",
    "es": "No recibirás más mensajes de {number}. Envía ALTA para recibirlos de nuevo.",
    "fr": "Vous ne recevrez plus de messages du {number}. Envoyez START pour en recevoir de nouveau.",
    "de": "Sie erhalten keine Nachrichten mehr von {number}. Mit START erhalten Sie sie wieder.",
    "pt": "Não receberá mais mensagens de {number}. Envie START para voltar a receber.",
    "nl": "U ontvangt geen berichten meer van {number}. Stuur START om ze weer te ontvangen.",
}
OPT_OUT_KEYWORD: Final[Mapping[str, str]] = {
    "en": "You will get no more messages of {tenant} from {number}. Send START {word} to get them again.",
    "it": "Non riceverai altri messaggi di {tenant} da {number}. Invia START {word} per riceverli di nuovo.",
    "es": "No recibirás más mensajes de {tenant} de {number}. Envía ALTA {word} para recibirlos de nuevo.",
    "fr": "Vous ne recevrez plus de messages de {tenant} du {number}. Envoyez START {word} pour en recevoir de nouveau.",
    "de": "Sie erhalten von {number} keine Nachrichten mehr von {tenant}. Mit START {word} erhalten Sie sie wieder.",
    "pt": "Não receberá mais mensagens de {tenant} de {number}. Envie START {word} para voltar a receber.",
    "nl": "U ontvangt van {number} geen berichten meer van {tenant}. Stuur START {word} om ze weer te ontvangen.",
}
OPT_IN_KEYWORD: Final[Mapping[str, str]] = {
    "en": "You can get messages of {tenant} from {number} again. Send STOP {word} to end them.",
    "it": "Puoi ricevere di nuovo messaggi di {tenant} da {number}. Invia STOP {word} per interromperli.",
    "es": "Puedes recibir de nuevo mensajes de {tenant} de {number}. Envía BAJA {word} para dejar de recibirlos.",
    "fr": "Vous pouvez de nouveau recevoir des messages de {tenant} du {number}. Envoyez STOP {word} pour arrêter.",
    "de": "Sie können von {number} wieder Nachrichten von {tenant} erhalten. Mit STOP {word} enden sie.",
    "pt": "Pode voltar a receber mensagens de {tenant} de {number}. Envie STOP {word} para parar.",
    "nl": "U kunt van {number} weer berichten van {tenant} ontvangen. Stuur STOP {word} om ze te stoppen.",
}
OPT_IN: Final[Mapping[str, str]] = {
    "en": "You can get messages from {number} again. Send STOP to end them.",
    "it": "Puoi ricevere di nuovo messaggi da {number}. Invia STOP per interromperli.",
    "es": "Puedes recibir de nuevo mensajes de {number}. Envía BAJA para dejar de recibirlos.",
    "fr": "Vous pouvez de nouveau recevoir des messages du {number}. Envoyez STOP pour arrêter.",
    "de": "Sie können wieder Nachrichten von {number} erhalten. Mit STOP enden sie.",
    "pt": "Pode voltar a receber mensagens de {number}. Envie STOP para parar.",
    "nl": "U kunt weer berichten van {number} ontvangen. Stuur STOP om ze te stoppen.",
}
HELP: Final[Mapping[str, str]] = {
    "en": "This is {number}. Send a keyword to use its service. Send STOP to get no more messages.",
    "it": "Questo è il {number}. Invia una parola chiave per usare il servizio. Invia STOP per non ricevere altro.",
    "es": "Este es el {number}. Envía una palabra clave para usar el servicio. Envía BAJA para no recibir más.",
    "fr": "Ici le {number}. Envoyez un mot-clé pour utiliser le service. Envoyez STOP pour ne plus rien recevoir.",
    "de": "Hier ist {number}. Senden Sie ein Stichwort, um den Dienst zu nutzen. Mit STOP erhalten Sie nichts mehr.",
    "pt": "Este é o {number}. Envie uma palavra-chave para usar o serviço. Envie STOP para não receber mais.",
    "nl": "Dit is {number}. Stuur een trefwoord om de dienst te gebruiken. Stuur STOP om niets meer te ontvangen.",
}
COURTESY: Final[Mapping[str, str]] = {
    "en": "We do not know this word. Please check it and send it again.",
    "it": "Non conosciamo questa parola. Controllala e inviala di nuovo.",
    "es": "No conocemos esta palabra. Compruébala y envíala de nuevo.",
    "fr": "Nous ne connaissons pas ce mot. Vérifiez-le et envoyez-le de nouveau.",
    "de": "Dieses Wort kennen wir nicht. Bitte prüfen Sie es und senden Sie es noch einmal.",
    "pt": "Não conhecemos esta palavra. Verifique-a e envie-a de novo.",
    "nl": "Dit woord kennen we niet. Controleer het en stuur het opnieuw.",
}

RELEASED: Final[Mapping[str, str]] = {
    "en": "This word is no longer active.",
    "it": "Questa parola non è più attiva.",
    "es": "Esta palabra ya no está activa.",
    "fr": "Ce mot n'est plus actif.",
    "de": "Dieses Wort ist nicht mehr aktiv.",
    "pt": "Esta palavra já não está ativa.",
    "nl": "Dit woord is niet meer actief.",
}

CHOOSE: Final[Mapping[str, str]] = {
    "en": "Who is this for? Reply {choices}.",
    "it": "A chi scrivi? Rispondi {choices}.",
    "es": "¿Para quién es? Responde {choices}.",
    "fr": "Pour qui est-ce ? Répondez {choices}.",
    "de": "Für wen ist das? Antworten Sie {choices}.",
    "pt": "Para quem é? Responda {choices}.",
    "nl": "Voor wie is dit? Antwoord {choices}.",
}
DID_YOU_MEAN: Final[Mapping[str, str]] = {
    "en": "Did you mean {word}? Reply YES.",
    "it": "Intendevi {word}? Rispondi SI.",
    "es": "¿Querías decir {word}? Responde SI.",
    "fr": "Vouliez-vous dire {word} ? Répondez OUI.",
    "de": "Meinten Sie {word}? Antworten Sie JA.",
    "pt": "Quis dizer {word}? Responda SIM.",
    "nl": "Bedoelde u {word}? Antwoord JA.",
}


def language_of(sentences: Mapping[str, str], languages: Sequence[str]) -> str:
    """The first of these languages that has a sentence."""
    return next((each for each in languages if each in sentences), FALLBACK)


def own_text(
    texts: Mapping[str, OwnText], name: str, languages: Sequence[str], facts: Mapping[str, object] | None = None
) -> str | None:
    """What the number's operator has written, in the first of these languages it is written in. With facts a template."""
    written = texts.get(name)
    if not written:
        return None
    if not isinstance(written, str):
        written = next((written[each] for each in languages if each in written), None) or next(iter(written.values()))
    return written if facts is None else render(written, facts)


def default_text(sentences: Mapping[str, str], languages: Sequence[str], number: str, **facts: str) -> str:
    """The sentence in the first of these languages that has one."""
    return sentences[language_of(sentences, languages)].format(number=number, **facts)
