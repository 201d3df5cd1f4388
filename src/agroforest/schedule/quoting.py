"""Words as systemd and cron want them written."""

from collections.abc import Iterable, Sequence

from agroforest.core.errors import ConfigurationError


def refuse_odd(what: str, value: str) -> str:
    """Give a value back that a line of text can hold.

    Raises
    ------
    ConfigurationError
        It holds a line break or another control character, or is no UTF-8.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        odd = True
    else:
        odd = any(
            ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or c in "\u2028\u2029" for c in value
        )
    if odd:
        raise ConfigurationError(
            what, f"{value!r} does not fit into a line", "rename it"
        )
    return value


def quote_unit(word: str) -> str:
    """Write a word for a setting of a unit that takes words, such as a list of paths.

    systemd.syntax(7) for quotes and backslashes, systemd.unit(5) for percent signs.
    """
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    plain = escaped == word.replace("%", "%%") and not set(word) & set(" ';")
    return escaped if plain and word else f'"{escaped}"'


def quote_command(words: Sequence[str]) -> str:
    """Write a command for ``ExecStart=``; its first word is an absolute path.

    ``$`` is written twice, systemd.service(5), but not in the first word. That may
    hold no quote and no backslash either; a shell then starts it for us.
    """
    program, *others = words
    if set(program) & set("\\\"'"):
        program, others = "/bin/sh", ["-c", 'exec "$@"', "sh", *words]
    quoted = [quote_unit(word).replace("$", "$$") for word in others]
    return " ".join([quote_unit(program), *quoted])


def quote_cron(words: Iterable[str]) -> str:
    """Write a command for a line of cron.

    The shell gets it after cron: ``%`` ends a command unless a backslash is before
    it, crontab(5), which cron takes away even within quotes, and which must not
    itself follow a backslash; hence the pair of quotes between them.
    """
    return " ".join(_quote_shell(word) for word in words)


def _quote_shell(word: str) -> str:
    if word and all(c.isalnum() or c in "/._-=:,+@" for c in word):
        return word
    inner = word.replace("'", "'\"'\"'").replace("%", "''\\%")
    return f"'{inner}'"
