"""Datasets: the same organizations, people, groups and roles every time, made by `fill`."""

import tempfile
import time
from dataclasses import dataclass, field

import host
from server import Server

# Groups that each organization makes itself, and how many of them each user is in.
GROUPS, GROUPS_PER_USER = 20, 2
# name: organizations, users
SIZES = {
    "small": (10, 1_000),
    "medium": (1_000, 100_000),
    "large": (10_000, 1_000_000),
    "one": (1, 100_000),
}


@dataclass
class World:
    """A data folder with a dataset in it, and the tokens that were bought there."""

    name: str
    data: str
    organizations: int
    users: int
    seconds: float = 0
    bought: dict = field(default_factory=dict)

    def serve(self, **settings):
        return Server(self.data, **settings)

    def token(self, server):
        return self.tokens(server, 1)[0]

    def tokens(self, server, count):
        """Tokens of so many people, evenly from all organizations."""
        if count not in self.bought:
            numbers = [number * self.users // count for number in range(count)]
            self.bought[count] = server.tokens([f"user-{number}" for number in numbers])
        return self.bought[count]


def make(folder, name):
    """A dataset on SQLite."""
    organizations, users = SIZES[name]
    data = tempfile.mkdtemp(prefix=f"{name}-", dir=folder)
    Server(data).stop()
    begun = time.monotonic()
    fill(data, organizations, users)
    return World(name, data, organizations, users, time.monotonic() - begun)


def fill(place, organizations, users, groups=GROUPS, groups_per_user=GROUPS_PER_USER):
    host.say(f"  {organizations:,} organizations, {users:,} users, {groups_per_user} groups each")
    numbers = [str(number) for number in (organizations, users, groups, groups_per_user)]
    host.run(host.example("fill"), place, *numbers)
