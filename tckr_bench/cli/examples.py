"""Commands and groups whose help ends with examples."""

from __future__ import annotations

import click


class ExampleCommand(click.Command):
    """A command whose help ends with examples, printed as they are typed."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples without wrapping them."""
        del ctx
        if self.epilog:
            with formatter.section("Examples"):
                for line in self.epilog.strip().splitlines():
                    formatter.write(f"{' ' * formatter.current_indent}{line.strip()}\n")


class ExampleGroup(click.Group):
    """A group whose commands show examples."""

    command_class = ExampleCommand
    group_class = type
    format_epilog = ExampleCommand.format_epilog
