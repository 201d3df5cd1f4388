"""Settings of the listener: what is refused, and that no secret is shown."""

from pathlib import Path

import pytest

from agroforest.core.errors import ConfigurationError
from agroforest.listen import read_listen_settings
from agroforest.listen.secret import resolve_secret, resolve_token

TOPIC = 'topic = [{ filter = "v3/#", kind = "ttn" }]\n'
BROKER = f'[[broker]]\nname = "b"\nhost = "10.0.0.1"\n{TOPIC}'


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "listen.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BROKER + 'password = "hush"\n', "a secret does not belong into this file"),
        (BROKER + 'password_env = "P"\n', "a password needs a user"),
        (BROKER + 'user = "u"\npassword_env = "P"\n', "sent in the clear"),
        (
            BROKER + 'user = "u"\npassword_env = "P"\npassword_file = "p"\n',
            "not both",
        ),
        (BROKER + 'tls = { certificate = "c.pem" }\n', "belong together"),
        (BROKER + BROKER, "two brokers have one name"),
        (BROKER.replace("ttn", "lorawan"), "Input should be 'ttn'"),
        (BROKER.replace('"ttn"', '"ttn", mapping = "m"'), "a mapping is for json"),
        (BROKER.replace('"ttn"', '"json", mapping = "m"'), "there is no mapping 'm'"),
        ("[webhook]\n", "give either token_env or token_file"),
        ('[webhook]\ntoken = "hush"\n', "a secret does not belong"),
        ('[webhook]\ntoken_env = "T"\nhost = "0.0.0.0"\n', "in the clear"),
        (
            '[datastreams.1]\nsensor = "s"\nvariable = "battery"\nunit = "%"\n',
            "is no unit",
        ),
        ("[mappings.m]\nvalue = []\n", "at least 1"),
        ("max_message_kb = 0\n", "greater than 0"),
        ("nonsense = 1\n", "Extra inputs"),
    ],
)
def test_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_listen_settings(write(tmp_path, text))
    message = str(caught.value)
    assert words in message
    assert "docs/listener.md" in message
    assert "hush" not in message
    assert "\n" not in message


def test_paths_start_from_the_file(tmp_path: Path) -> None:
    text = (
        '[spool]\nfolder = "s"\n'
        + BROKER
        + 'user = "u"\npassword_file = "p"\ntls = { ca = "ca.pem" }\n'
        '[webhook]\ntoken_file = "t"\n'
    )
    settings = read_listen_settings(write(tmp_path, text))
    (broker,) = settings.broker
    assert settings.spool.folder == tmp_path / "s"
    assert broker.password_file == tmp_path / "p"
    assert broker.tls is not None
    assert broker.tls.ca == tmp_path / "ca.pem"
    assert broker.address == ("10.0.0.1", 8883)
    assert settings.webhook is not None
    (tmp_path / "t").write_text("0123456789abcdef\n")
    assert resolve_token("", settings.webhook.token_file) == "0123456789abcdef"


def test_a_password_on_this_machine_needs_no_tls(tmp_path: Path) -> None:
    text = BROKER.replace("10.0.0.1", "127.0.0.1") + 'user = "u"\npassword_env = "P"\n'
    assert read_listen_settings(write(tmp_path, text)).broker[0].address[1] == 1883


def test_a_secret_comes_from_a_file_or_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "from here")
    (tmp_path / "secret").write_text("from there\n")
    assert resolve_secret("x", "SECRET", None) == "from here"
    assert resolve_secret("x", "", tmp_path / "secret") == "from there"
    with pytest.raises(ConfigurationError, match="put it into the variable NONE"):
        resolve_secret("x", "NONE", None)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        resolve_secret("x", "", tmp_path / "none")
