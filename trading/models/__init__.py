"""The rows, one file per stage. Rows remember; values decide."""

from trading.models.feed import Candle, CandleFault, CandleGap, ClockReading, UniverseSnapshot
from trading.models.forecast import Cycle, ModelFinding, ModelVersion, Signal, SignalOutcome, TrainingRun
from trading.models.gates import Decision, PolicyVersion, SwitchChange
from trading.models.money import CanaryRun, DailyMoney, IncomeEntry, VenueLook
from trading.models.orders import Fill, Intent, Order, OrderMove
from trading.models.portfolio import BalanceLook, Directive, TrimProposal
from trading.models.positions import AccountSnapshot, FundingPayment, Position, Trade
from trading.models.runtime import Installation, ModuleCall, ModuleState, ProcessState
from trading.models.steering import CloseRequest, CooldownClear, TrimRequest, TunedSetting
from trading.models.venue import PreflightRun, VenueKeys, VenueStart

__all__ = [
    "AccountSnapshot",
    "BalanceLook",
    "CanaryRun",
    "Candle",
    "CandleFault",
    "CandleGap",
    "ClockReading",
    "CloseRequest",
    "CooldownClear",
    "Cycle",
    "DailyMoney",
    "Decision",
    "Directive",
    "Fill",
    "FundingPayment",
    "IncomeEntry",
    "Installation",
    "Intent",
    "ModelFinding",
    "ModelVersion",
    "ModuleCall",
    "ModuleState",
    "Order",
    "OrderMove",
    "PolicyVersion",
    "Position",
    "PreflightRun",
    "ProcessState",
    "Signal",
    "SignalOutcome",
    "SwitchChange",
    "Trade",
    "TrainingRun",
    "TrimProposal",
    "TrimRequest",
    "TunedSetting",
    "UniverseSnapshot",
    "VenueKeys",
    "VenueLook",
    "VenueStart",
]
