"""Commands: the typed methods of all families.

Generated from client/commands.json by generate.py; do not edit.
"""

from ..calls import AnyR, BoolR, IntR, MapR, ListR
from .cache import CacheCommands
from .connection import ConnectionCommands
from .control import ControlCommands
from .jobs import JobsCommands
from .keys import KeysCommands
from .routing import RoutingCommands
from .server import ServerCommands
from .spend import SpendCommands


class Commands(CacheCommands[AnyR, BoolR, IntR, MapR, ListR],
               ConnectionCommands[AnyR, BoolR, IntR, MapR, ListR],
               ControlCommands[AnyR, BoolR, IntR, MapR, ListR],
               JobsCommands[AnyR, BoolR, IntR, MapR, ListR],
               KeysCommands[AnyR, BoolR, IntR, MapR, ListR],
               RoutingCommands[AnyR, BoolR, IntR, MapR, ListR],
               ServerCommands[AnyR, BoolR, IntR, MapR, ListR],
               SpendCommands[AnyR, BoolR, IntR, MapR, ListR]):
    """Every typed method. What a call gives back is decided by the subclass."""
