"""The rows, one file per stage. Rows remember; values decide."""

from trading.models.feed import Candle, CandleFault, UniverseSnapshot
from trading.models.forecast import Cycle, ModelFinding, ModelVersion, Signal, SignalOutcome, TrainingRun
from trading.models.gates import Decision, PolicyVersion, SwitchChange
from trading.models.orders import Fill, Intent, Order, OrderMove
from trading.models.portfolio import BalanceLook, Directive, TrimProposal
from trading.models.positions import AccountSnapshot, FundingPayment, Position, Trade
from trading.models.runtime import Installation, ModuleState
from trading.models.steering import CloseRequest, CooldownClear, TunedSetting
from trading.models.venue import PreflightRun, VenueKeys, VenueStart

__all__ = [
    "AccountSnapshot",
    "BalanceLook",
    "Candle",
    "CandleFault",
    "CloseRequest",
    "CooldownClear",
    "Cycle",
    "Decision",
    "Directive",
    "Fill",
    "FundingPayment",
    "Installation",
    "Intent",
    "ModelFinding",
    "ModelVersion",
    "ModuleState",
    "Order",
    "OrderMove",
    "PolicyVersion",
    "Position",
    "PreflightRun",
    "Signal",
    "SignalOutcome",
    "SwitchChange",
    "Trade",
    "TrainingRun",
    "TrimProposal",
    "TunedSetting",
    "UniverseSnapshot",
    "VenueKeys",
    "VenueStart",
]
