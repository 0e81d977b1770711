"""From the label of a language identification model to a language code and a script.

A language's code is ISO 639-1 if it has one, else ISO 639-3. The individual language that CLDR takes for its
macrolanguage counts as that: `cmn_Hani` is `zh`, `arb_Arab` is `ar`, `swh_Latn` is `sw`; others (`yue`, `arz`, `wuu`)
stay themselves. Models that label with ISO 639-3 and a script (GlotLID, OpenLID, NLLB) and fastText's lid.176, which
labels with Wikipedia's codes, so come out alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

UNDETERMINED = "und"
REASONS = ("model", "case", "form", "script", "characters")  # what a language is decided by
_PREFIX = "__label__"

# ISO 639-3 (SIL, 2024) code and its ISO 639-1 code, written together.
_ISO_639_1 = (
    "aaraa abkab afraf akaak amham araar argan asmas avaav aveae aymay azeaz bakba bambm belbe benbn bisbi bodbo "
    "bosbs brebr bulbg catca cescs chach chece chucu chvcv corkw cosco crecr cymcy danda deude divdv dzodz ellel "
    "engen epoeo estet euseu eweee faofo fasfa fijfj finfi frafr fryfy fulff glagd glega glggl glvgv grngn gujgu "
    "hatht hauha hbssh hebhe herhz hinhi hmoho hrvhr hunhu hyehy iboig idoio iiiii ikuiu ileie inaia indid ipkik "
    "islis itait javjv jpnja kalkl kankn kasks katka kaukr kazkk khmkm kikki kinrw kirky komkv konkg korko kuakj "
    "kurku laolo latla lavlv limli linln litlt ltzlb lublu luglg mahmh malml marmr mkdmk mlgmg mltmt monmn mrimi "
    "msams myamy nauna navnv nblnr ndend ndong nepne nldnl nnonn nobnb norno nyany ocioc ojioj orior ormom ossos "
    "panpa plipi polpl porpt pusps quequ rohrm ronro runrn rusru sagsg sansa sinsi slksk slvsl smese smosm snasn "
    "sndsd somso sotst spaes sqisq srdsc srpsr sswss sunsu swasw swesv tahty tamta tattt telte tgktg tgltl thath "
    "tirti tonto tsntn tsots tuktk turtr twitw uigug ukruk urdur uzbuz venve vievi volvo wlnwa wolwo xhoxh yidyi "
    "yoryo zhaza zhozh zulzu "
)
# ISO 639-2/B, the bibliographic codes, likewise.
_BIBLIOGRAPHIC = (
    "albsq armhy baqeu burmy chizh czecs dutnl frefr geoka gerde greel iceis macmk maomi mayms perfa rumro slosk "
    "tibbo welcy "
)
# CLDR supplementalMetadata, languageAlias with reason "macrolanguage", where the macrolanguage has an ISO 639-1 code.
_MACROLANGUAGE = (
    "alssq arbar azjaz cmnzh ekket fatak fucff gazom guggn ikeiu khkmn kmrku lvslv npine ojgoj oryor pbups pesfa "
    "pltmg quzqu srcsc swhsw uznuz yddyi zsmms zybza "
)
# Wikipedia's codes in lid.176 that mean something else in ISO 639, or are retired there.
_WIKIPEDIA = {"als": "gsw", "sh": "hbs", "bh": "bih"}
_WIKIPEDIA_MARKS = {"als", "bh", "eml", "nah", "sh"}


def _pairs(packed: str) -> dict[str, str]:
    return {pair[:3]: pair[3:] for pair in packed.split()}


_SHORT = _pairs(_BIBLIOGRAPHIC) | _pairs(_MACROLANGUAGE) | _pairs(_ISO_639_1)


def languages(labels: Iterable[str]) -> list[tuple[str, str | None]]:
    """Language and script (None if the label has none) of each label of one model.

    >>> languages(["__label__en", "__label__zho_Hans", "cmn_Hani", "__label__yue", "sr-Latn"])
    [('en', None), ('zh', 'Hans'), ('zh', 'Hani'), ('yue', None), ('sr', 'Latn')]
    """
    parts = [re.split("[-_]", label.removeprefix(_PREFIX)) for label in labels]
    codes = {part[0] for part in parts}
    wikipedia = _WIKIPEDIA if codes >= _WIKIPEDIA_MARKS and all(len(part) == 1 for part in parts) else {}
    found = []
    for code, *rest in parts:
        script = next((word.title() for word in rest if len(word) == 4 and word.isalpha()), None)
        low = code.lower()
        found.append((wikipedia.get(low) or _SHORT.get(low, low) or UNDETERMINED, script))
    return found
