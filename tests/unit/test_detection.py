"""Which language and which script a text is in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.detection import (
    detect,
    scripts_for,
    scripts_of,
    share_in_script,
)
from polyspec.languages import find_language

SENTENCES = {
    "eng": "The library opens at nine, and the reading room is quiet.",
    "deu": "Die Bibliothek öffnet um neun, und im Lesesaal ist es ruhig.",
    "fra": "La bibliothèque ouvre à neuf heures et la salle est calme.",
    "spa": "La biblioteca abre a las nueve y la sala está tranquila.",
    "ita": "La biblioteca apre alle nove e la sala di lettura è tranquilla.",
    "por": "A biblioteca abre às nove e a sala de leitura não faz barulho.",
    "oci": "La bibliotèca dubrís a nòu oras e la sala es plan calma.",
    "nld": "De bibliotheek gaat om negen uur open en de leeszaal is stil.",
    "pol": "Biblioteka jest otwarta od dziewiątej, a w czytelni jest cicho.",
    "tur": "Kütüphane saat dokuzda açılıyor ve okuma salonu sessiz.",
    "ber": "Tamkarḍit tettarra tiwwura-s ɣef ttesɛa n ssbeḥ.",
    "yor": "Ilé ìkàwé máa ń ṣí ní agogo mẹ́sàn-án òwúrọ̀.",
    "ibo": "Ọ́bá akwụkwọ na-emeghe n'elekere itoolu nke ụtụtụ.",
    "haw": "Ua hele aku ke kanaka i ka hale waihona puke i kēia lā.",
    "que": "Llaqtachapi yachayta munasani, wasiykiqa hatunmi kachkan.",
    "grn": "Ko aranduka róga ojepe'a porundy aravo pyharevegua.",
    "rus": "Библиотека открывается в девять, и в читальном зале тихо.",
    "ukr": "Бібліотека відчиняється о дев'ятій, і в читальній залі тихо.",
    "hin": "पुस्तकालय नौ बजे खुलता है और पढ़ने का कमरा शांत है।",
    "npi": "पुस्तकालय नौ बजे खुल्छ र पढ्ने कोठा शान्त छ।",
    "zho": "图书馆九点开门，阅览室里很安静。",
    "jpn": "図書館は九時に開き、閲覧室は静かです。",
    "kor": "도서관은 아홉 시에 열고 열람실은 조용합니다.",
    "ara": "تفتح المكتبة أبوابها في التاسعة وقاعة القراءة هادئة.",
    "amh": "ቤተ መጻሕፍቱ በዘጠኝ ሰዓት ይከፈታል።",
    "chr": "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᎠᏂᏬᏂᏍᎬᎢ",
    "zgh": "ⵜⴰⵎⴰⵣⵉⵖⵜ ⵜⴳⴰ ⵜⵓⵜⵍⴰⵢⵜ",
}
OTHERS = {
    "ces": "Knihovna se otevírá v devět hodin a v čítárně je ticho.",
    "swe": "Biblioteket öppnar klockan nio och läsesalen är tyst.",
    "fas": "کتابخانه ساعت نه باز می‌شود و سالن مطالعه آرام است.",
    "ell": "Η βιβλιοθήκη ανοίγει στις εννέα και το αναγνωστήριο είναι ήσυχο.",
    "tha": "ห้องสมุดเปิดเก้าโมงและห้องอ่านหนังสือเงียบ",
}


@pytest.mark.parametrize(("code", "text"), SENTENCES.items())
def test_each_of_our_languages_is_told_surely(code: str, text: str) -> None:
    found = detect(text, is_wide=False)
    assert found.language == find_language(code)
    assert found.is_sure
    assert found.confidence >= 0.95


@pytest.mark.parametrize(("code", "text"), OTHERS.items())
def test_a_language_that_is_none_of_ours_is_not_forced_into_one(
    code: str, text: str
) -> None:
    found = detect(text)
    assert found.language == find_language(code)
    assert not detect(text, is_wide=False).is_sure or code in {"ell", "tha"}


@pytest.mark.parametrize(
    "text", ["", " \n\t", "1234 - 56 %", "https://example.org/a", "…"]
)
def test_a_text_without_words_has_no_language(text: str) -> None:
    found = detect(text)
    assert found.language is None
    assert not found.is_sure
    assert found.confidence == 0


@pytest.mark.parametrize("text", ["OK", "no", "Taxi", "Hotel Paris"])
def test_a_word_of_many_languages_is_not_told_surely(text: str) -> None:
    assert not detect(text, is_wide=False).is_sure


def test_alternatives_are_named() -> None:
    found = detect("la sala está", is_wide=False)
    assert found.language == find_language("spa")
    shares = [share for _, share in found.alternatives]
    assert shares == sorted(shares, reverse=True)
    assert found.confidence + sum(shares) <= 1 + 1e-6


def test_capitals_markup_and_addresses_do_not_matter() -> None:
    text = "<p class='a'>DIE BIBLIOTHEK ÖFFNET UM NEUN</p> https://example.org/the-page"
    assert detect(text, is_wide=False).language == find_language("deu")


def test_a_text_with_latin_terms_is_told_by_its_own_script() -> None:
    found = detect("Установите PolySpec Desktop Edition через Windows Store сегодня")
    assert found.language == find_language("rus")


def test_a_long_text_is_judged_by_parts_of_it() -> None:
    text = SENTENCES["deu"] * 20_000
    found = detect(text, is_wide=False)
    assert found.language == find_language("deu")


def test_scripts_come_with_their_share_of_the_letters() -> None:
    shares = scripts_of("Привет, world!!")
    assert list(shares) == ["Cyrl", "Latn"]
    assert shares["Cyrl"] == pytest.approx(6 / 11)
    assert scripts_of("123 !?") == {}


@pytest.mark.parametrize(("code", "text"), SENTENCES.items())
def test_each_sentence_is_in_the_script_of_its_language(code: str, text: str) -> None:
    assert share_in_script(text, find_language(code)) == pytest.approx(1.0)


def test_a_text_in_another_script_is_told_apart() -> None:
    assert share_in_script("Hello", find_language("rus")) == 0.0
    assert share_in_script("...", find_language("rus")) is None
    assert scripts_for(find_language("jpn")) == {"Hani", "Hira", "Kana"}


@given(st.text(st.characters(), max_size=300))
def test_any_characters_at_all_have_an_answer(text: str) -> None:
    found = detect(text, is_wide=False)
    assert 0 <= found.confidence <= 1 + 1e-6
    assert found.language is not None or not found.is_sure
    assert found == detect(text, is_wide=False)
    assert sum(scripts_of(text).values()) == pytest.approx(
        1.0 if scripts_of(text) else 0
    )


@given(
    st.text(
        st.sampled_from("aé\udc80\ud800\U0010ffffй語かن '’<>&{}%s_/@.\0\n"), max_size=80
    )
)
def test_half_characters_and_signs_do_no_harm(text: str) -> None:
    detect(text)


def test_a_megabyte_of_one_word_is_no_trouble() -> None:
    for char in ("a", "語", "<", "{", "'", "a.", "%s", "a@"):
        detect(char * (1_000_000 // len(char)), is_wide=False)
