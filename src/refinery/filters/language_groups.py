"""Languages that a model confuses because they are near, and the scripts in which languages are written."""

from __future__ import annotations

from collections.abc import Sequence

# A group's name is its chief languages. Labels of lid.176 and of models with ISO 639-3 labels.
NEAR = {
    "bs-hr-sr": ("bs", "hr", "sr", "hbs", "cnr"),
    "da-no": ("da", "no", "nb", "nn"),
    "id-ms": ("id", "ms", "min", "bjn"),
    "zh": ("zh", "yue", "wuu", "lzh", "gan", "hak", "nan", "hsn", "cjy", "cdo", "cpx", "czh", "mnp"),
}
CHINESE = frozenset(NEAR["zh"])
# Scripts that the languages of lid.176 are written in, after Unicode CLDR's languageData.
_SCRIPTS = {
    "Cyrl": "av ba be bg bxr ce cv kk krc ku kv ky lez mhr mk mn mrj myv os ro ru rue sah sr hbs tg tk tt tyv uk uz "
    "xal az bs",
    "Arab": "ar arz azb az ckb fa ks ku ky kk lrc mzn ms pa pnb ps sd tg tk tr tt ug ur uz",
    "Deva": "bho bih dty gom hi hif kok mai mr ne new sa sd",
    "Beng": "as bn bpy",
    "Hebr": "he yi",
    "Armn": "hy",
    "Geor": "ka xmf",
    "Ethi": "am ti",
    "Grek": "el",
    "Guru": "pa",
    "Gujr": "gu",
    "Knda": "kn gom",
    "Khmr": "km",
    "Laoo": "lo",
    "Mlym": "ml",
    "Mong": "mn bxr xal",
    "Mymr": "my",
    "Orya": "or",
    "Sinh": "si",
    "Taml": "ta",
    "Telu": "te",
    "Thaa": "dv",
    "Thai": "th",
    "Tibt": "bo",
    "Hang": "ko",
    "Hani": "ja ko " + " ".join(sorted(CHINESE)),
    "Hira": "ja",
    "Kana": "ja",
    "Bopo": "zh",
    "Latn": "af an ast az ba bar bcl be br bs ca cbk ceb co crh cs cy da de diq dsb eml en eo es et eu fi fr "
    "frr fy ga gd gl gn gom gsw gv hbs hif hr hsb ht hu ia id ie ilo io is it jbo jv kk ku kw la lb li "
    "lmo lt lv mg min ms mt mwl nah nan nap nds nl nn no nb oc pam pfl pl pms pt qu rm ro sc scn sco sk "
    "sl so sq sr su sv sw tk tl tr tt uz vec vep vi vls vo wa war yo",
}
_BY_LANGUAGE = {
    language: frozenset(script for script, names in _SCRIPTS.items() if language in names.split())
    for names in _SCRIPTS.values()
    for language in names.split()
}


def scripts_of(language: str) -> frozenset[str] | None:
    """ISO 15924 codes of the scripts that a language is written in, None where it is not known.

    >>> sorted(scripts_of("sr")), sorted(scripts_of("de")), scripts_of("xx")
    (['Cyrl', 'Latn'], ['Latn'], None)
    """
    return _BY_LANGUAGE.get(language)


def groups(languages: Sequence[str]) -> list[str]:
    """The group of each language: its own code, if it is near no other.

    >>> groups(["en", "nn", "yue", "hr"])
    ['en', 'da-no', 'zh', 'bs-hr-sr']
    """
    named = {language: group for group, members in NEAR.items() for language in members}
    return [named.get(language, language) for language in languages]
