"""What a scan leaves behind is clean: scanned again, it loses next to nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from detector.datatypes import LabelledPage, ScanResult, Verdict
from detector.pipeline import Detector
from detector.synthesis import PageWriter, load_grammars
from detector.synthesis.assembly import Document

MATERIAL = Path(__file__).resolve().parent.parent / "training_data"
#: Of the characters that the first scan cuts, the second may cut this share.
MOST_CUT_AGAIN = 0.01
PAGES = 600
DOCUMENTS = [
    Document(
        "library",
        "市图书馆延长开放时间\n"
        "市图书馆本周起延长开放时间，周末到晚上九点。读者可以在二楼自习，也可以预约讨论室。\n"
        "馆长介绍，去年到馆人次比前一年多了两成，自习座位常常不够。"
        "今年秋天，三楼的旧书库改成了阅览室，新添了一百二十个座位。\n"
        "服务台提醒大家带好证件，贵重物品不要留在座位上。闭馆前半小时停止借书，还书箱全天开放。",
        "zh-Hans",
    ),
    Document(
        "bridge",
        "老桥检修完工\n"
        "这座桥建成于上世纪五十年代，今年进行了全面检修。工程师说，桥面的承重能力没有下降。\n"
        "检修期间，行人从下游的便桥通过，公交车绕行两站。有老人每天来看进度，他们年轻时参加过修桥。\n"
        "完工那天，附近的学校组织学生来写生，画里有河水、柳树和新刷的栏杆。",
        "zh-Hans",
    ),
    Document(
        "pond",
        "鱼塘的秋天\n"
        "入秋以后水温下降，鱼的食量也小了，投料要看天气。老周说，清早先看水色，再看水面有没有浮头。\n"
        "他家的塘有八亩，养的是草鱼和鲢鱼，春节前起捕。今年雨水多，进水口的网换过两次。\n"
        "村里想把几家的塘连起来，统一清淤，大家商量了几回，还没有定下来。",
        "zh-Hans",
    ),
    Document(
        "meeting",
        "关于召开项目例会的通知\n"
        "各科室：\n"
        "兹定于本周五下午两点在二楼会议室召开项目例会，请准时参加。\n"
        "一、通报上月进度。二、讨论设备采购的安排。三、布置年终考核的有关事项。\n"
        "请各科室于周四下班前把材料报送办公室，联系人：小李。",
        "zh-Hans",
    ),
    Document(
        "novel",
        "第十二章\n"
        "雨下了整整一夜，院子里的石榴落了一地。她推开门，看见他站在廊下，衣襟都湿了。\n"
        "“你怎么不敲门？”她问。\n"
        "“怕吵醒你。”他笑了笑，把怀里的信递过来，信封还是干的。\n"
        "信是哥哥写的，说秋收以后就回来。",
        "zh-Hans",
    ),
    Document(
        "chemistry",
        "实验二 溶液的配制\n"
        "实验目的：掌握一定浓度溶液的配制方法，学会使用容量瓶和移液管。\n"
        "实验步骤：称取 2.0 g 固体，置于烧杯中，加 50 mL 蒸馏水溶解；冷却后转移到 100 mL "
        "容量瓶中，用少量水洗涤烧杯三次。\n"
        "注意：定容时视线应与刻度线相平。浓度的计算公式为 c = n / V，结果保留三位有效数字。",
        "zh-Hans",
    ),
    Document(
        "temple",
        "老街的廟會\n"
        "每年春天，老街都會舉行廟會，附近的居民扶老攜幼前來觀賞。今年的隊伍從碼頭出發，經過兩座石橋。\n"
        "主辦單位表示，活動期間交通管制，請民眾多利用大眾運輸工具。"
        "孩子們最喜歡看舞龍，也有人專程來吃一碗熱騰騰的湯圓。",
        "zh-Hant",
    ),
    Document(
        "harbour",
        "A quiet harbour\n"
        "The boats come back before noon, and the market opens as soon as the first crates are ashore. "
        "Most of the catch is sold within an hour.\n"
        "The harbour master keeps a logbook that goes back to 1911. He says the winters were colder "
        "then, and the fleet was three times as large.\n"
        "In the afternoon the nets are mended on the pier, and visitors may watch.",
        "en",
    ),
    Document(
        "sourdough",
        "Keeping a sourdough starter\n"
        "Feed it once a day with equal parts of flour and water. If you bake only at weekends, keep it "
        "in the fridge and feed it on Thursday.\n"
        "A healthy starter doubles within six hours and smells of apples. Grey liquid on top is "
        "harmless; pour it off.\n"
        "Write the date on the jar, so that you know when it was fed.",
        "en",
    ),
    Document(
        "pasar",
        "Pasar pagi di kota lama\n"
        "Pasar pagi dibuka sejak pukul lima, ketika jalan masih sepi. Para petani membawa sayur dan buah "
        "dari desa di kaki gunung.\n"
        "Menjelang siang, pedagang mulai berkemas dan jalan kembali ramai oleh kendaraan.",
        "id",
    ),
    Document(
        "koprue",
        "Köprünün onarımı bitti\n"
        "Eski taş köprü bu yaz onarıldı ve yeniden trafiğe açıldı. Belediye, ağır araçların geçişine "
        "izin verilmeyeceğini duyurdu.\n"
        "Mahalleli, açılış gününde çay ve simit dağıttı; çocuklar nehir kıyısında uçurtma uçurdu.",
        "tr",
    ),
    Document(
        "tren",
        "El tren de la costa\n"
        "El tren sale cada hora y recorre los pueblos de la costa en menos de dos horas. En verano "
        "conviene reservar asiento.\n"
        "La estación más antigua conserva el reloj de 1898 y un pequeño museo con billetes y gorras.",
        "es",
    ),
    Document(
        "garten",
        "Der Garten hinter der Schule\n"
        "Im Frühjahr legen die Kinder Beete an und säen Radieschen, Möhren und Salat. Gegossen wird "
        "morgens vor dem Unterricht.\n"
        "Was geerntet wird, kommt in der Mensa auf den Tisch; der Rest wandert auf den Kompost.",
        "de",
    ),
    Document(
        "sakura",
        "川沿いの桜\n"
        "今年の桜は例年より一週間ほど早く咲き始めました。川沿いの遊歩道には朝から多くの人が訪れています。"
        "\n"
        "地元の商店街では、団子や甘酒の屋台が並びました。夜は提灯に明かりがともり、水面に花が映ります。",
        "ja",
    ),
    Document(
        "reka",
        "Ледоход на реке\n"
        "В этом году ледоход начался на неделю раньше обычного. Уровень воды поднялся на полтора метра, "
        "но набережную не затопило.\n"
        "Старики говорят, что ранняя вода обещает хороший урожай. Дети пускают кораблики по ручьям.",
        "ru",
    ),
]


@pytest.fixture(scope="module")
def pages() -> list[LabelledPage]:
    """Return pages from families and lexicon entries that no weight was fitted on."""
    writer = PageWriter(load_grammars(MATERIAL, "heldout"), DOCUMENTS, 20)
    draw = random.Random(20)
    kinds = [
        draw.choices((Verdict.INJECTED, Verdict.SPAM_PAGE, Verdict.CLEAN), (0.8, 0.1, 0.1))[0] for _ in range(PAGES)
    ]
    return [writer.page(kind, lang="zh" if draw.random() < 0.6 else None) for kind in kinds]


def cut_chars(result: ScanResult) -> int:
    return sum(span.end - span.start for span in result.cut_spans)


@pytest.mark.slow
def test_cleaned_pages_scanned_again_lose_next_to_nothing(detector: Detector, pages: list[LabelledPage]) -> None:
    first = list(detector.scan_many(page.text for page in pages))
    again = list(detector.scan_many(result.clean_text for result in first))
    cut, cut_again = (sum(map(cut_chars, results)) for results in (first, again))
    assert sum(bool(result.cut_spans) for result in first) > PAGES // 4, "too little was found to tell anything"
    worst = sorted(again, key=cut_chars, reverse=True)[:5]
    assert cut_again <= MOST_CUT_AGAIN * cut, [
        result.text[span.start : span.end] for result in worst for span in result.cut_spans
    ]
