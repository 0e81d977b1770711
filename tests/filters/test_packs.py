"""The packs of terms and their rule sets, on texts that are not what the packs were made of."""

import polars as pl
import pytest

import refinery
from refinery.filters.lexicon import packs
from refinery.filters.rules import evaluate, resolve_rules

SPAM = {
    "gambling": (
        "澳门新葡京线上娱乐城，注册送58彩金，百家乐、龙虎斗、真人荷官在线发牌，首存优惠100%，"
        "返水无上限，秒提款。",
        "【澳-門-新-葡-京】百🎰家🎰乐 真 人 荷 官，註冊送彩金，北京賽車ｐｋ１０計劃，加Ｖ信❸❽❻⓿",
        "一肖一码 白小姐中特 香港马会开奖结果 六合彩资料大全 管家婆一肖 今晚特马开奖直播",
        "重庆时时彩计划群，稳赚不赔，老师带单，一对一带，时时彩平台注册送28，幸运飞艇、北京赛车均可投注",
    ),
    "porn": (
        "免费在线看成人视频，日韩无码、国产自拍、亚洲色图、人妻系列、制服丝袜，高清av在线，每日更新",
        "同城约炮，美女上门，莞式一条龙，外围模特高端伴游，包夜优惠，楼凤论坛验证过的",
        "麻★豆★传★媒 最新作品，91視頻 草*榴*社*区，午夜福利视频，宅男福利",
    ),
    "link_farm": (
        "蜘蛛池出租，站群系统，百度快速排名，万词霸屏，代发外链，高权重域名，友情链接交换请加QQ",
        "办理毕业证、学信网可查，代开发票，办证刻章，加微信咨询，诚信经营",
        "月入过万在家赚钱，手机赚钱，刷单返利，无需押金，日结工资，加微信进群",
    ),
}
GOOD = (
    "经审理查明，被告人张某自2019年3月起，在“大发888”赌博网站担任代理，发展下线会员二十余人，"
    "接受投注并从中抽取佣金。"
    "会员以“百家乐”等方式进行赌博，投注金额累计达人民币一百二十万元，张某非法获利八万元。"
    "公诉机关认为，被告人以营利为目的，"
    "为赌博网站担任代理并接受投注，其行为触犯了《中华人民共和国刑法》第三百零三条第二款，"
    "应当以开设赌场罪追究刑事责任。"
    "被告人对指控事实、罪名及量刑建议没有异议，同意适用简易程序，且签字具结，在开庭审理过程中亦无异议。"
    "本院认为，公诉机关指控被告人犯开设赌场罪的事实清楚，证据确实、充分，指控罪名成立，量刑建议适当，"
    "应予采纳。",
    "第三百六十三条　以牟利为目的，制作、复制、出版、贩卖、传播淫秽物品的，处三年以下有期徒刑、"
    "拘役或者管制，并处罚金。"
    "第三百六十四条　传播淫秽的书刊、影片、音像、图片或者其他淫秽物品，情节严重的，"
    "处二年以下有期徒刑、拘役或者管制。"
    "组织播放淫秽的电影、录像等音像制品的，处三年以下有期徒刑。"
    "向不满十八周岁的未成年人传播淫秽物品的，从重处罚。",
    "淋病是由淋病奈瑟菌引起的性传播疾病，主要通过性交传染。女性患者可出现宫颈炎、盆腔炎，"
    "阴道分泌物增多；男性患者以尿道炎为主。"
    "勃起功能障碍的病因包括血管性、神经性、内分泌性和心理性因素，西地那非等药物可改善性功能。"
    "早泄患者可行行为治疗。",
    "体育彩票发行机构应当按照国务院财政部门的规定公布开奖结果。彩票销售场所不得向未成年人出售彩票，"
    "投注额应当符合规定。"
    "足球彩票的销售期、投注方式和奖金设置由发行机构报国务院财政部门批准。任何单位和个人不得擅自发行、"
    "销售彩票。",
    "搜索引擎优化要求网页有清晰的标题和结构。本文介绍如何用站点地图帮助爬虫收录，"
    "以及为什么交换链接和关键词堆砌会受到惩罚。",
)
DOMAIN = {
    "medical-en": "Take one 500 mg tablet of metformin twice a day with meals. Common side effects "
    "are nausea, diarrhea and "
    "abdominal pain. Patients with severe kidney disease or liver failure should not take this drug.",
    "law-en": "The judgment of the district court is reversed. The defendant's motion to suppress "
    "should have been granted "
    "because the officer lacked probable cause. It is so ordered.",
    "finance-en": "Net income attributable to common stockholders for the fiscal year ended December "
    "31 was $4.2 million, "
    "or $0.31 per diluted share. Operating expenses rose, and the company paid down its senior notes.",
    "law-zh": "当事人对行政处罚决定不服的，可以依法申请行政复议或者提起行政诉讼。"
    "申请复议应当自收到处罚决定书之日起六十日内提出。",
    "medical-zh": "患者咳嗽发热三天，伴乏力、头痛。血常规检查提示白细胞升高，建议口服抗生素治疗，"
    "注意休息，多饮水，饮食清淡，定期复查。",
}
PLAIN = {
    "en": "She walked along the river to the old mill and watched the boats until the sun went down "
    "behind the hills. Then "
    "she went home and wrote a long letter to her brother about everything that she had seen on the way.",
    "zh": "周末我们一家去爬山，山上的枫叶红了，孩子们跑在前面，老人在亭子里歇脚，"
    "一边喝茶一边看着远处的湖面，直到太阳落下才慢慢走回家去。",
}


def first_failed(name: str, texts: list[str], measured: list[str]) -> list[str | None]:
    """By text the first rule of a set that fails, without the set's name."""
    uses = ["signals", *({"terms": {"pack": pack}} for pack in measured)]
    table = refinery.measure(pl.DataFrame({"text": texts}), uses)
    rules = resolve_rules([name], measured=())
    found = evaluate(table, rules)["first_failed"].to_list()
    return [None if rule is None else rules[rule].name.rpartition(".")[2] for rule in found]


def test_chinese_spam_goes_by_its_kind_and_text_about_it_stays():
    """Plain and obfuscated; judgments, statutes, medicine, and articles on gambling, sex and search "
    "engines stay."""
    measured = [pack for pack in packs() if pack.startswith("zh-")]
    for kind, texts in SPAM.items():
        assert first_failed("zh_spam", list(texts), measured) == [kind] * len(texts)
    assert first_failed("zh_spam", list(GOOD), measured) == [None] * len(GOOD)


@pytest.mark.parametrize("name", DOMAIN)
def test_short_text_of_a_domain_stays_and_that_of_others_goes(name):
    """Orders, results and answers that no web rule would keep; plain prose and other domains are not of it."""
    language = name[-2:]
    others = [text for other, text in DOMAIN.items() if other != name and other[-2:] == language]
    found = first_failed(name, [DOMAIN[name], PLAIN[language], *others], [name])
    assert found == [None, *["domain"] * (len(others) + 1)]
