"""Words of price and stock conditions by language, as alternatives of regular expressions.

English, Chinese, and the basic words of German, French, Spanish, Italian, Portuguese, Dutch, Russian,
Japanese and Korean; case folded, Latin letters without marks.
"""

from __future__ import annotations

from towers.text.writing.units import UNIT_NAMES

UPPER = (
    r"under|below|less than|lower than|cheaper than|not? (?:more than|over|above)|at most|up ?to"
    r"|max(?:imum|imal)?\.?|within|unter|weniger als|hoe?chstens|bis zu|gue?nstiger als"
    r"|billiger als|moins de|jusqu['’]?a|inferieure?s? a|pas plus de|menos de|hasta|por debajo de"
    r"|no mas de|meno di|sotto(?: i)?|fino a|onder|minder dan|дешевле|не дороже|не более"
    r"|budget(?: of)?|<=?|≤"
)
LOWER = (
    r"over|above|more than|greater than|higher than|at least|min(?:imum|destens)?\.?"
    r"|not? (?:less than|under|below)|starting (?:at|from)|ue?ber|mehr als|plus de|au moins"
    r"|mas de|al menos|piu di|almeno|oltre|mais de|boven|meer dan|дороже|не менее|(?<!-)>=?|≥"
)
UPPER_OF_MONEY = r"bis|ate|tot|до"
LOWER_OF_MONEY = r"from|ab|a partir de|desde|vanaf|от"
"""Words that state a bound of a price only beside a currency."""

BETWEEN = r"between|zwischen|entre|tra|tussen"
FROM = r"from|(?:price )?range|prices?"
FROM_OF_MONEY = r"von|de|da|от"
TO = r"-|–|—|~|to|bis|a|tot|до"
AND = r"and|und|et|y|e|en|&"
LESS = r"less|under|below|cheaper|lower|weniger|moins|menos"
MORE = r"more|over|above|up|mehr|plus|mas"
OR = r"or|and|oder|und|ou|et|o|y"
LEAD = (
    r"for|at|prices?|priced|cost(?:s|ing)?|budget|fur|preis|a|pour|prix|por|precio|prezzo|voor|prijs"
    r"|цена"
)
"""Words before a bound that belong to it."""

SORTED = (
    r"cheapest|lowest[ -]priced?|least expensive|billigste[nrs]?|gue?nstigste[nrs]?"
    r"|(?:l[ea]s? )?moins chere?s?|(?:el |l[ao]s? )?mas barat[ao]s?|(?:il |la )?piu economic[aio]"
    r"|(?:[ao]s? )?mais barat[ao]s?|goedkoopste|сам(?:ый|ая|ое|ые) деш[её]в(?:ый|ая|ое|ые)"
)
PREFERRED = (
    r"cheap(?:er)?|low[ -](?:priced?|cost|budget)|inexpensive|affordable|budget|billige?[mnrs]?"
    r"|gue?nstige?[mnrs]?|preiswerte?[mnrs]?|pas chere?s?|bon marche|barat[ao]s?|economic[ao]s?"
    r"|not (?:too |very |so )?expensive|(?:budget|pocket|wallet)[ -]friendly|on a budget"
    r"|reasonabl[ey][ -]priced?|economici|goedkope?|деш[её]в(?:ый|ая|ое|ые|о)|недорог(?:ой|ая|ое|ие|о)"
)
STOCKED = (
    r"in[ -]?stock|available(?: now| immediately)?|auf lager|(?:sofort )?lieferbar|verfue?gbar|vorratig"
    r"|en stock|disponibles?|disponibil[ei]|em estoque|disponive(?:l|is)|op voorraad|в наличии"
)
NEGATIONS = r"not|non|never|no|out of|nicht|pas|ne|не|нет"

SIGN = r"(?:us ?)?[$€£¥₹]|rs\.?|usd|eur|gbp|inr|rmb|cny|chf"
CURRENCY = (
    r"[$€£¥₹]|(?:dollars?|usd|bucks?|euros?|eur|gbp|quid|rupees?|rs|inr|rmb|yuan|cny|yen|jpy"
    r"|krw|chf|francs?|franken|zl|pln|reais|rubles?|руб(?:лей|ля|ль)?|р)(?![a-zа-я0-9])"
)
# "In" is an inch only where it ends a size: "under 100 in stock" is a price.
MEASURES = "|".join(
    sorted(UNIT_NAMES - {"a", "in", '"', "''", "'", "”", "’", "″", "′", "°"}, key=len, reverse=True)
    + [
        r"in(?=\.|\s*$|\s*[x×]|\s+(?:wide|deep|tall|long|high|thick|dia))",
        r"lumens?|lux|kelvin|mg|mcg|km|kilomet(?:er|re)s?|miles?|mph|kmh|mp|megapixels?|kb|mb",
        r"[kmg]hz|[kmg]bps|rpm|db|decibels?|dpi|grit|va|ah|wh|kw|kwh|nm|bar|cc|percent|prozent",
        r"years?|yrs?|months?|weeks?|days?|hours?|hrs?|minutes?|mins?|seconds?|secs?|jahren?",
        r"monaten?|tagen?|stunden?|minuten|ans?|mois|jours?|heures?|anos?|meses|dias?|horas?|лет",
        r"года?|persons?|people|personas?|personnes?|personen|players?|seats?|seaters?|pages?",
        r"count|ct|items?|calories|cal|kcal|stars?|tons?|tonnes?|spf|gramm|grammes?|gramos?",
        r"litern?|litros?|metern?|metros?|zoll|pouces?|pulgadas?|threads?|ply|keys|channels?|ports?",
        r"wide|deep|tall|long|high|thick|кг|см|мм|岁|歲|年|月|天|小时|人|个|個|件|寸|度|层|斤|页|倍|码",
    ]
)
"""A number before one of these is no price."""

HAN_UPPER = r"以下|以内|以內|以里|之内|之內|之下|이하"
HAN_LOWER = r"以上|之上|이상"
HAN_LOWER_OF_MONEY = r"起"
HAN_UPPER_BEFORE = (
    r"不要超过|不要超過|别超过|別超過|低于|低於|少于|少於|小于|小於|不超过|不超過|不高于|不大于"
    r"|不到|最多|预算|預算"
)
HAN_LOWER_BEFORE = r"高于|高於|超过|超過|大于|大於|不低于|不低於|不少于|至少"
HAN_CURRENCY = r"元|块钱?|塊錢?|人民币|人民幣|圆|圓|円|원"
HAN_BETWEEN = r"之间|之間|区间|區間"
HAN_LEAD = r"价格|價格|售价|售價|价位|價位|预算|預算"
HAN_SORTED = r"最便宜|最低价|最低價|价格最低|價格最低|最实惠|最實惠|最安値?|최저가"
HAN_PREFERRED = r"便宜|格安|低价|低價|平价|平價|廉价|廉價|实惠|實惠|安い|저렴한"
HAN_STOCKED = r"有?现货|有?現貨|有货|有貨|有库存|有庫存|在庫あり"
HAN_NEGATIONS = "没沒无無未缺"
