"""Short example pairs that show a base model what translating means.

Every sentence carries the source it was taken from; licences and credits are in
`docs/sources.md`. A pair of languages without a common sentence has no example, and
is asked without one.
"""

from polyspec.languages import Language

# Children's stories of the Global African Storybook Project (CC BY).
_BUSY = "My father and grandfather are busy."
_ELEPHANT = "One elephant is drinking water with the lion."
_READ = "I like to read."
# Tatoeba (CC BY 2.0 FR).
_COMPUTER = "I use a computer every day."
_QUESTION = "She found it difficult to answer the question."
# Universal Declaration of Human Rights, articles 1, 13, 17, 20 and 23.
_BORN_FREE = "All human beings are born free and equal in dignity and rights."
_LEAVE = (
    "Everyone has the right to leave any country, including his own, "
    "and to return to his country."
)
_OWN = "Everyone has the right to own property alone as well as in association with others."
_ASSOCIATION = "No one may be compelled to belong to an association."
_EQUAL_PAY = (
    "Everyone, without any discrimination, has the right to equal pay for equal work."
)
# OLDI seed corpus (CC BY-SA 4.0).
_WATERWAYS = "Transport was facilitated by waterways—by rivers and seas."
_KISS = "A kiss, in our family, was an event."
_KERAK = "An example of this approach is Kerak."
# MediaWiki interface messages (GPL 2 or later).
_WAIT = "Please wait a moment and try again."
_DESCRIBED = "How do you prefer to be described?"

_TRANSLATIONS: dict[str, dict[str, str]] = {
    "amh": {
        _READ: "ማንበብ እወዳለሁ።",
        _ELEPHANT: "አንድ ዝሆን ከአንበሳው ጋር ዉሃ እየጠጣ ነው።",
    },
    "ara": {
        _BUSY: "أبي وجدي مشغولان.",
        _ELEPHANT: "فيل واحد يشرب الماء مع الأسد.",
        _READ: "أحب أن أقرأ.",
    },
    "ber": {
        _READ: "Ḥemmleɣ ad ɣreɣ.",
        _COMPUTER: "Ssexdameɣ aselkim yal ass.",
    },
    "chr": {
        _ASSOCIATION: "ᏝᎩᎶᎢ ᏰᎵᏉ ᎤᏚᏓᎸᏗ ᎤᏙᏣᎸᏗ ᎾᏍᎩ ᏧᎵᎪᏗᏱ.",
        _EQUAL_PAY: "ᏂᎦᏛ ᎠᏂᏴᏫ, ᏂᎦᎥ ᎠᏓᏛᏳᏤᏗ ᏂᎦᏒᎾ, ᎤᏂᎲ ᎾᏍᎩ ᏚᏳᎪᏛ ᎢᏗᎦᏗ ᎠᎦᎫᏴᎡᎲᎢ ᎾᏍᎩᎾ ᎢᏗᎦᏗ ᏗᎦᎸᏫᏍᏓᏁᏗ.",
    },
    "deu": {
        _BUSY: "Mein Vater und Opa sind beschäftigt.",
        _ELEPHANT: "Ein Elefant trinkt mit dem Löwen Wasser.",
        _READ: "Ich lese gerne.",
    },
    "fra": {
        _BUSY: "Mon père et mon grand-père sont occupés.",
        _ELEPHANT: "Un éléphant boit de l'eau avec le lion.",
        _READ: "J'aime lire.",
    },
    "grn": {
        _KISS: "Peteĩ ñehetũ ore rogapýpe, tuicha mba'e va'ekue.",
        _WATERWAYS: "Mba'e jegueroja oiko va'ekue ýrupi, río ha mar rupive.",
    },
    "haw": {
        _BORN_FREE: "Hānau kūʻokoʻa ʻia nā kānaka apau loa, a ua kau like ka hanohano a me nā pono kīvila ma luna o kākou pākahi.",
        _LEAVE: "Ua noa i nā kānaka apau ka haʻalele ʻana i kēlā aupuni, kēia aupuni, a me kona aupuni iho, a ua noa ka hoʻi ʻana i kona aupuni.",
    },
    "hin": {
        _BUSY: "मेरे पापा और दादा व्यस्त हैं।",
        _ELEPHANT: "एक हाथी शेर के साथ पानी पी रहा है।",
        _READ: "मुझे पढ़ना पसंद है।",
    },
    "ibo": {
        _ASSOCIATION: "Ọ dịghị onye a ga-amanye isoro n'otu ọ bụla.",
        _EQUAL_PAY: "Onye ọ bụla, n'enweghi ịkpa oke ọ bụla, nwere ikike ịnata ụgwọ nha anya kwesiri ọrụ ya.",
    },
    "ita": {
        _BUSY: "Mio papà e mio nonno sono occupati.",
        _READ: "Mi piace leggere.",
    },
    "jpn": {
        _ELEPHANT: "１頭のゾウがライオンと並んで水を飲んでいるよ。",
        _QUESTION: "彼女はその質問に答えるのが難しいとわかった。",
    },
    "kor": {
        _BUSY: "아빠랑 할아버지는 바빠요.",
        _ELEPHANT: "한 마리의 코끼리가 사자와 물을 마신다.",
        _READ: "나는 책 읽기를 좋아해요.",
    },
    "nld": {
        _BUSY: "Mijn vader en mijn opa zijn bezig.",
        _ELEPHANT: "Een olifant drinkt water met de leeuw.",
        _READ: "Ik hou van lezen.",
    },
    "npi": {
        _ASSOCIATION: "कसैलाई पनि कुनै संस्थासँग आवद्ध हुन वाध्य गराउन सकिने छैन ।",
        _EQUAL_PAY: "प्रत्येक व्यक्तिलाई बिना भेदभाव समान कार्यको लागि समान पारिश्रमिक पाउने अधिकार छ ।",
    },
    "oci": {
        _OWN: "Tota persona, individualament e collectivament, a drech a la proprietat.",
        _EQUAL_PAY: "Tota persona a drech, sense cap de discriminacion, a un salairi egal per un trabalh egal.",
    },
    "pol": {
        _BUSY: "Tata i dziadek są zajęci.",
        _ELEPHANT: "Jeden słoń i lew piją razem wodę.",
        _READ: "Lubię czytać.",
    },
    "por": {
        _BUSY: "Meu pai e meu avô estão ocupados.",
        _ELEPHANT: "Um elefante está bebendo água com o leão.",
        _READ: "Eu gosto de ler.",
    },
    "que": {
        _WAIT: "Asllata suyaspa musuqmanta ruraykachay.",
        _DESCRIBED: "Ima hina nisunkikutaq munanki?",
    },
    "rus": {
        _BUSY: "Мой папа и дедушка заняты.",
        _ELEPHANT: "Один слон пьёт воду со львом.",
        _READ: "Я люблю читать.",
    },
    "spa": {
        _BUSY: "Mi padre y mi abuelo están ocupados.",
        _ELEPHANT: "Un elefante está bebiendo agua con el león.",
        _READ: "Me gusta leer.",
    },
    "tur": {
        _BUSY: "Babam ve büyükbabam meşguller.",
        _READ: "Okumayı seviyorum.",
    },
    "ukr": {
        _BUSY: "Тато і дідусь зайняті.",
        _ELEPHANT: "Один слон п’є воду з левом.",
        _READ: "Мені подобається читати.",
    },
    "yor": {
        _READ: "Mo fẹ́ràn kàwé.",
        _ELEPHANT: "Erin kan ń mu omi pẹ̀lú kìnìún.",
    },
    "zgh": {
        _KERAK: "ⴰⵎⴷⵢⴰ ⵅⴼ ⵜⵎⵢⴰⴷⴰⵙⵜ ⴰⴷ ⵉⴳⴰⵜ ⴽⵉⵕⴰⴽ.",
        _WATERWAYS: "ⵉⵙⵙⵡⵀⵏ ⵓⵙⵎⵓⵜⵜⵉ ⵙⴳ ⵉⴱⵔⴷⴰⵏ ⵏ ⵡⴰⵎⴰⵏ—ⵙ ⵜⵎⴰⵎⴽⵜ ⵏ ⵉⵙⴰⴼⴼⵏ ⴷ ⵉⵍⵍⵏ.",
    },
    "zho": {
        _BUSY: "爸爸和爷爷正在忙。",
        _ELEPHANT: "一头大象和狮子一起喝水。",
        _READ: "我喜欢看书。",
    },
}  # fmt: skip
_SCRIPTS = {"zho": "Hans"}
"""Languages of which the sentences hold for one script only."""


def find_examples(
    source_language: Language, target_language: Language, limit: int = 2
) -> tuple[tuple[str, str], ...]:
    """Up to `limit` pairs of a sentence and its translation.

    Two languages other than English are paired where both know the same sentence.
    """
    if source_language.code == target_language.code:
        return ()
    source, target = _sentences(source_language), _sentences(target_language)
    # English knows them all; the other language says which are its best.
    first = target if source_language.code == "eng" else source
    shared = [english for english in first if english in source and english in target]
    return tuple((source[english], target[english]) for english in shared[:limit])


def _sentences(language: Language) -> dict[str, str]:
    """What the language has, by the English sentence it translates."""
    if language.code == "eng":
        known = [english for texts in _TRANSLATIONS.values() for english in texts]
        return {english: english for english in known}
    if language.script != _SCRIPTS.get(language.code, language.script):
        return {}
    return _TRANSLATIONS.get(language.code, {})
