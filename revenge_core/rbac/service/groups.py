"""Use cases of groups: people who carry roles together."""


class Groups:
    """Groups of users. Whoever is in one holds the roles that it carries, as long as they are in it."""
