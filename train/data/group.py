"""The unit of training data: one prompt with K scored responses."""

from dataclasses import dataclass

#: The turns of a conversation: (role, content) each.
Turns = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One prompt with its scored responses."""

    messages: Turns  # the prompt's turns, (role, content)
    responses: tuple[str, ...]  # K texts, K >= 2
    rewards: tuple[float, ...]  # K finite numbers; higher is better
    source: str  # `file:row`, rows counted from 1

    def select(self, places: tuple[int, ...]) -> "Group":
        """Return the group with the responses at these places alone."""
        return Group(
            self.messages,
            tuple(self.responses[place] for place in places),
            tuple(self.rewards[place] for place in places),
            self.source,
        )
