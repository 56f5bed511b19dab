"""What the synthetic market imitates: numbers measured on real one-hour bars by ops/fit_market.py.

Measured on perp_1h_2023_2025 (2023-01 to 2025-08) where a symbol is in it, else on universe_perp_1h_2026q1.
"""

from __future__ import annotations

from typing import NamedTuple


class Trait(NamedTuple):
    price: float  # last close in the data
    sigma: float  # volatility of a bar on a median day (standard deviation of log returns)
    load: float  # share of its movement that is the whole market's (first principal component)
    quote: float  # median volume of a bar in USDT


TRAITS = {
    "BTCUSDT": Trait(108208, 0.0039, 0.83, 415110883),
    "ETHUSDT": Trait(4389.58, 0.0051, 0.89, 236790210),
    "SOLUSDT": Trait(200.57, 0.0078, 0.84, 73826279),
    "XRPUSDT": Trait(2.7745, 0.0056, 0.77, 26691688),
    "DOGEUSDT": Trait(0.21359, 0.0073, 0.86, 22492120),
    "BNBUSDT": Trait(858.08, 0.0042, 0.82, 13315011),
    "ADAUSDT": Trait(0.8107, 0.0069, 0.87, 9828424),
    "TRXUSDT": Trait(0.34076, 0.0031, 0.61, 2578466),
    "LTCUSDT": Trait(108.82, 0.0059, 0.81, 8458536),
    "BCHUSDT": Trait(543.94, 0.0064, 0.79, 5192666),
    "AAVEUSDT": Trait(115.23, 0.0084, 0.86, 2706007),
    "UNIUSDT": Trait(3.679, 0.0077, 0.83, 2408246),
    "ETCUSDT": Trait(8.503, 0.0067, 0.92, 1174075),
    "APTUSDT": Trait(4.2517, 0.0083, 0.82, 5119307),
    "OPUSDT": Trait(0.6916, 0.0090, 0.88, 6036814),
    "ICPUSDT": Trait(4.748, 0.0080, 0.89, 1299250),
    "GRTUSDT": Trait(0.08839, 0.0085, 0.92, 1149460),
    "ARBUSDT": Trait(0.1028, 0.0079, 0.92, 1855003),
    "LDOUSDT": Trait(0.3034, 0.0078, 0.94, 568359),
    "ARUSDT": Trait(6.339, 0.0099, 0.86, 909292),
    "CRVUSDT": Trait(0.239, 0.0089, 0.84, 1595907),
    "FETUSDT": Trait(0.6125, 0.0104, 0.84, 3396291),
    "SEIUSDT": Trait(0.2839, 0.0105, 0.83, 3397826),
    "STXUSDT": Trait(0.6198, 0.0095, 0.88, 2285970),
    "RENDERUSDT": Trait(3.417, 0.0100, 0.89, 1697291),
    "ENAUSDT": Trait(0.1081, 0.0088, 0.91, 3404738),
    "HYPEUSDT": Trait(42.079, 0.0098, 0.55, 14662226),
    "ONDOUSDT": Trait(0.267, 0.0087, 0.93, 945466),
    "WLDUSDT": Trait(0.3687, 0.0081, 0.81, 2253140),
    "TAOUSDT": Trait(272.71, 0.0099, 0.75, 3727468),
    "JUPUSDT": Trait(0.1635, 0.0091, 0.84, 558713),
    "PENDLEUSDT": Trait(1.2621, 0.0093, 0.83, 543848),
    "SANDUSDT": Trait(0.08398, 0.0083, 0.81, 721279),
    "ETHFIUSDT": Trait(0.5462, 0.0088, 0.88, 432737),
    "AXSUSDT": Trait(1.194, 0.0111, 0.45, 2475158),
    "CHZUSDT": Trait(0.0363, 0.0085, 0.66, 781595),
    "ZROUSDT": Trait(2.1238, 0.0124, 0.46, 1730624),
    "EGLDUSDT": Trait(4.123, 0.0078, 0.87, 160580),
    "IMXUSDT": Trait(0.1692, 0.0090, 0.90, 187133),
    "JTOUSDT": Trait(0.2975, 0.0098, 0.68, 341765),
    "ORDIUSDT": Trait(2.524, 0.0084, 0.92, 371483),
    "STRKUSDT": Trait(0.03737, 0.0079, 0.89, 425562),
    "TRBUSDT": Trait(16.127, 0.0079, 0.91, 292265),
    "CAKEUSDT": Trait(1.4426, 0.0059, 0.84, 362605),
}
DEFAULT = Trait(1.0, 0.0085, 0.84, 1_500_000)  # the medians: for a symbol that was never measured

# Common to all: medians over the symbols of perp_1h_2023_2025.
TAIL = 4.5  # degrees of freedom: returns over the volatility around them then have a kurtosis of about 5, as measured
SLOW_WAVE = (0.995, 0.30, 0.20)  # memory per bar, and spread of log volatility: the market's, the symbol's own
FAST_WAVE = (0.94, 0.18, 0.22)
WICK = 1.02  # volatility inside a bar over the bar's own: high - low is then 2.1 times the mean move, as measured
VOLUME_SPAN, VOLUME_NOISE = 1.2, 0.55  # log volume follows log(high / low) with correlation 0.77, spread 0.97

# Not measured: the trends that are built in. A bar drifts by TREND of its volatility in regimes of about REGIME bars.
TREND = (0.15, 0.20)
REGIME = 80
COMMON_TREND = 0.5  # how many of a symbol's regimes are the whole market's
