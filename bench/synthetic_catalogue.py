"""A made-up catalogue of any size, the same for the same seed: brand × kind × noun × size, with valid GTINs."""

from __future__ import annotations

import random
from collections.abc import Iterator

from edge.catalogue.product import Product, Row
from edge.gtin import check_digit
from edge.ids import Gtin

BRANDS = (
    "可口可乐", "百事可乐", "农夫山泉", "康师傅", "统一", "娃哈哈", "蒙牛", "伊利", "光明", "旺旺", "三只松鼠",
    "良品铺子", "百草味", "奥利奥", "乐事", "上好佳", "盼盼", "达利园", "好丽友", "雀巢", "德芙", "费列罗",
    "士力架", "海天", "李锦记", "厨邦", "太太乐", "金龙鱼", "鲁花", "福临门", "老干妈", "涪陵", "乌江",
    "双汇", "雨润", "金锣", "思念", "三全", "湾仔", "安井", "海飞丝", "飘柔", "潘婷", "清扬", "舒肤佳",
    "力士", "多芬", "高露洁", "佳洁士", "黑人", "中华", "云南白药", "蓝月亮", "立白", "奥妙", "汰渍", "雕牌",
    "威猛先生", "维达", "清风", "心相印", "洁柔", "苏菲", "护舒宝", "七度空间", "好奇", "帮宝适", "花王",
    "青岛", "雪花", "燕京", "哈尔滨", "张裕", "长城", "茅台", "五粮液", "王老吉", "加多宝", "东鹏", "红牛",
    "脉动", "元气森林", "怡宝", "百岁山", "屈臣氏",
)  # fmt: skip
KINDS = (
    "经典", "原味", "零度", "无糖", "低脂", "高钙", "全脂", "脱脂", "有机", "鲜榨", "冰红", "青柠",
    "柠檬", "蜜桃", "葡萄", "草莓", "香草", "巧克力", "抹茶", "芒果", "椰子", "苹果", "橙味", "西柚",
    "海盐", "黄瓜", "番茄", "烧烤", "麻辣", "香辣", "孜然", "五香", "酱香", "蒜香", "泡椒", "藤椒",
    "老坛", "红烧", "清炖", "鲜虾", "家庭装", "便携", "量贩", "尊享", "清爽", "滋润", "去屑", "柔顺",
    "薰衣草", "茉莉", "玫瑰", "竹炭", "抗菌", "儿童", "孕妇", "加厚", "超薄", "特级", "一级", "冷萃",
)  # fmt: skip
NOUNS = (
    "可乐", "汽水", "矿泉水", "纯净水", "苏打水", "红茶", "绿茶", "乌龙茶", "奶茶", "果汁", "橙汁", "椰汁",
    "豆浆", "纯牛奶", "酸奶", "奶粉", "咖啡", "啤酒", "白酒", "葡萄酒", "功能饮料", "薯片", "饼干", "威化",
    "蛋糕", "面包", "巧克力", "糖果", "口香糖", "果冻", "坚果", "瓜子", "花生", "牛肉干", "鸭脖", "海苔",
    "方便面", "挂面", "大米", "小米", "面粉", "食用油", "花生油", "橄榄油", "酱油", "生抽", "老抽", "蚝油",
    "陈醋", "料酒", "食盐", "白糖", "味精", "鸡精", "辣椒酱", "豆瓣酱", "火锅底料", "榨菜", "腐乳", "火腿肠",
    "培根", "速冻水饺", "汤圆", "馄饨", "丸子", "冰淇淋", "雪糕", "鸡蛋", "豆腐", "洗发水", "护发素",
    "沐浴露", "香皂", "洗手液", "牙膏", "牙刷", "漱口水", "洗衣液", "洗衣粉", "柔顺剂", "洗洁精", "洁厕灵",
    "抽纸", "卷纸", "湿巾", "卫生巾", "纸尿裤", "垃圾袋", "保鲜膜", "电池", "插座", "毛巾", "拖鞋", "雨伞",
    "猫粮", "狗粮",
)  # fmt: skip
SIZES = (
    "100g", "150g", "200g", "250g", "300g", "400g", "500g", "750g", "1kg",
    "2.5kg", "5kg", "180ml", "200ml", "250ml", "330ml", "500ml", "550ml",
    "750ml", "1L", "1.25L", "1.5L", "2L", "5L", "330ml*6", "330ml*24",
    "250ml*12", "10包", "3连包", "5片", "80抽*3",
)  # fmt: skip
UNITS = ("瓶", "袋", "盒", "个", "提")


def products(count: int = 100_000, *, seed: int = 1) -> Iterator[Row]:
    """Different names; every tenth out of stock."""
    chance = random.Random(seed)
    seen: set[str] = set()
    while len(seen) < count:
        brand, noun = chance.choice(BRANDS), chance.choice(NOUNS)
        name = f"{brand}{chance.choice(KINDS)}{noun}{chance.choice(SIZES)}"
        if name in seen:
            continue
        body = f"69{len(seen):010d}"
        seen.add(name)
        yield Row(
            product=Product(
                gtin=Gtin(f"0{body}{check_digit(body)}"),
                sku=f"S{len(seen):06d}",
                name_zh=name,
                brand=brand,
                category=noun,
                price_fen=chance.randrange(100, 9900),
                unit=chance.choice(UNITS),
                stock=chance.randrange(10),
                priced_at_ms=1_795_000_000_000,
            )
        )
