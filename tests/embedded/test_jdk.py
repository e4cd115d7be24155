"""Finding a JDK: the order, what counts as one, and what is said when there is none."""

from pathlib import Path

import pytest

from embedded.errors import JdkMissing
from embedded.jdk import find_jdk, inspect_jdk


def make_jdk(home: Path, version: str, *, compiler: bool = True) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "release").write_text(f'IMPLEMENTOR="Test"\nJAVA_VERSION="{version}"\n')
    for program in ["java", "javac"] if compiler else ["java"]:
        (home / "bin" / program).write_text("")
        (home / "bin" / program).chmod(0o755)
    return home


def no_download(version: str) -> Path:
    raise OSError("name resolution failed")


@pytest.mark.parametrize(
    ("build", "version"),
    [
        pytest.param("25.0.3", 25, id="current"),
        pytest.param("21", 21, id="first release"),
        pytest.param("1.8.0_432", 8, id="old numbering"),
        pytest.param("26-ea", 26, id="early access"),
    ],
)
def test_version_is_read_from_the_release_file(tmp_path, build, version):
    jdk = inspect_jdk(make_jdk(tmp_path / "jdk", build))

    assert jdk is not None
    assert (jdk.version, jdk.build) == (version, build)


def test_runtime_without_compiler_is_no_jdk(tmp_path):
    assert inspect_jdk(make_jdk(tmp_path / "jre", "25", compiler=False)) is None


def test_order_is_our_variable_then_java_home_then_path_then_usual_folders(tmp_path):
    ours = make_jdk(tmp_path / "ours", "21")
    java_home = make_jdk(tmp_path / "java-home", "22")
    on_path = make_jdk(tmp_path / "on-path", "23")
    usual = make_jdk(tmp_path / "root/usr/lib/jvm/newest", "25")
    make_jdk(tmp_path / "root/usr/lib/jvm/older", "24")
    environ = {
        "SHELFWISE_JAVA_HOME": str(ours),
        "JAVA_HOME": str(java_home),
        "PATH": str(on_path / "bin"),
    }
    found = []
    for removed in ["SHELFWISE_JAVA_HOME", "JAVA_HOME", "PATH", None]:
        found.append(find_jdk(environ, root=tmp_path / "root", fetch=no_download).home)
        environ.pop(removed or "", None)

    assert found == [ours, java_home, on_path, usual]


def test_too_old_ones_are_passed_over(tmp_path):
    old = make_jdk(tmp_path / "old", "17.0.9")
    usable = make_jdk(tmp_path / "root/usr/lib/jvm/temurin-25", "25.0.3")

    found = find_jdk({"JAVA_HOME": str(old)}, root=tmp_path / "root", fetch=no_download)

    assert found.home == usable


def test_jdks_in_the_home_folder_are_found(tmp_path):
    sdkman = make_jdk(tmp_path / "home/.sdkman/candidates/java/25.0.1-tem", "25.0.1")

    found = find_jdk({"HOME": str(tmp_path / "home")}, root=tmp_path / "root", fetch=no_download)

    assert found.home == sdkman


def test_our_variable_is_never_passed_over(tmp_path):
    old = make_jdk(tmp_path / "old", "17.0.9")
    make_jdk(tmp_path / "root/usr/lib/jvm/temurin-25", "25")

    with pytest.raises(JdkMissing, match=r"17\.0\.9, which is too old"):
        find_jdk({"SHELFWISE_JAVA_HOME": str(old)}, root=tmp_path / "root")


def test_download_is_the_last_resort(tmp_path):
    told: list[str] = []
    downloaded = make_jdk(tmp_path / "cache", "25.0.3")

    found = find_jdk(
        {}, root=tmp_path / "root", fetch=lambda version: downloaded, on_progress=told.append
    )

    assert found.home == downloaded
    assert "downloading JDK 25" in told[0]


def test_message_says_what_was_seen_and_how_to_mend(tmp_path):
    old = make_jdk(tmp_path / "old", "17.0.9")

    with pytest.raises(JdkMissing) as raised:
        find_jdk({"JAVA_HOME": str(old)}, root=tmp_path / "root", fetch=no_download)

    message = str(raised.value)
    for part in (f"17.0.9 in {old}", "name resolution failed", "SHELFWISE_JAVA_HOME", "javac"):
        assert part in message
