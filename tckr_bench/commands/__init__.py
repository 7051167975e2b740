"""What each command does, apart from how it is typed: parse -> call -> print."""
