# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The Dockerfile and the compose file hold what they promise, as far as can be seen without an engine."""

import os
import re
import shutil
import subprocess
from typing import Any

import pytest

from codexos.local import processes
from codexos.local.home import CHECKOUT
from tests.local.image import COMPOSE, compose, is_kept_out, references, stages

TEMPLATE = set(re.findall(r"^([A-Z][A-Z0-9_]+)=", (CHECKOUT / ".env.template").read_text(), re.MULTILINE))
SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL", re.IGNORECASE)
LAUNCHER_WORDS = {"process", "provision", "manage"}


def product_services() -> dict[str, dict[str, Any]]:
    return {name: service for name, service in compose()["services"].items() if service["image"] == "codexos"}


def test_the_image_is_what_is_left_of_several_stages() -> None:
    *building, final = stages()
    assert [stage.name for stage in building] == ["bundle", "packages", "sandbox"]
    assert "npm" not in str(final.instructions)
    assert "pip install" not in str(final.instructions)
    taken = [match for rest in final.all("COPY") for match in re.findall(r"--from=(\w+)", rest)]
    assert set(taken) == {stage.name for stage in building}
    for stage in stages():
        is_ours = stage.base in {each.name for each in building}
        assert is_ours or re.search(r":\d[\w.]*", stage.base), f"{stage.base} says no version"


def test_it_runs_as_an_ordinary_user_named_by_number() -> None:
    # A cluster that lets no root in has only the number to go by.
    user = stages()[-1].last("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    number = user.partition(":")[0]
    assert f"--uid {number}" in " ".join(stages()[-1].all("RUN"))
    after = [word for word, _ in stages()[-1].instructions]
    assert "RUN" not in after[after.index("USER") :], "nothing is done by anybody else afterwards"


def test_no_secret_is_built_in() -> None:
    for stage in stages():
        named = [name for word in ("ARG", "ENV") for rest in stage.all(word) for name in re.findall(r"(\w+)=?", rest)]
        assert not [name for name in named if SECRET.search(name)]
    for name in (".env", ".env.production", ".codexos/keys/master.key", ".git/config", "node_modules/x", ".venv/x"):
        assert is_kept_out(CHECKOUT / name), name
    for name in (".env.template", "Procfile", "manage.py", "codexos/settings.py", "locale/de/LC_MESSAGES/django.mo"):
        assert not is_kept_out(CHECKOUT / name), name


def test_its_words_are_the_launchers() -> None:
    final = stages()[-1]
    assert final.words("ENTRYPOINT") == ["python", "-m", "codexos.local"]
    assert final.words("CMD") == ["process", "web"]
    compile(final.health_check[-1], "health check", "exec")
    assert final.environment["PORT"] == final.last("EXPOSE")
    assert final.environment["CODEXOS_HOME"] == final.last("VOLUME")


def test_each_process_of_the_product_is_a_service_of_one_image() -> None:
    commands = {name: service.get("command") for name, service in product_services().items()}
    image = stages()[-1].words("CMD")
    started = {(command or image)[1] for name, command in commands.items() if name != "migrate"}
    assert started == set(processes.product_processes())
    migrate = compose()["services"]["migrate"]["entrypoint"][-1]
    said = re.findall(r"codexos\.local (\w+)(?: (\w+))?", migrate)
    assert said == [("provision", ""), ("manage", "prepare_database")]
    assert {word for word, _ in said} <= LAUNCHER_WORDS
    assert (CHECKOUT / "codexos" / "management" / "commands" / "prepare_database.py").is_file()


def test_every_service_of_ours_is_locked_in() -> None:
    for name, service in product_services().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "user" not in service, "the image's own user"
        if name == "sandbox":
            continue
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["tmpfs"] == ["/tmp"], name
        assert service["volumes"] == ["home:" + stages()[-1].last("VOLUME"), "sandbox:/run/codexos"], name
    open_ports = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert open_ports == ["127.0.0.1:8000:8000"]


def test_what_runs_code_has_no_network_no_secret_and_no_volume_but_its_sockets() -> None:
    sandbox = compose()["services"]["sandbox"]
    assert sandbox["network_mode"] == "none"
    assert sandbox["volumes"] == ["sandbox:/run/codexos", "folders:" + stages()[-1].last("VOLUME")]
    assert set(sandbox["environment"]) == {"CODEXOS_SANDBOX_SOCKET", "CODEXOS_SANDBOX_ENVIRONMENT"}
    # Namespaces are made by it, which the profiles of the engine forbid.
    lifted = {"seccomp:unconfined", "apparmor:unconfined", "systempaths:unconfined"}
    assert set(sandbox["security_opt"]) == {"no-new-privileges:true", *lifted}


def test_only_the_service_that_migrates_knows_who_owns_the_tables() -> None:
    for name, service in product_services().items():
        assert ("DATABASE_OWNER_URL" in service["environment"]) == (name == "migrate")
        assert ("DATABASE_ADMIN_URL" in service["environment"]) == (name == "migrate")
        assert set(service["environment"]) <= TEMPLATE, name


def test_what_is_needed_is_there_first() -> None:
    services = compose()["services"]
    for name, service in services.items():
        for needed, when in service.get("depends_on", {}).items():
            if when["condition"] == "service_healthy":
                assert services[needed]["healthcheck"]["test"], f"{name} waits for {needed}"
            else:
                assert when["condition"] == "service_completed_successfully"
                assert services[needed]["restart"] == "no"
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in compose()["volumes"], name


def test_what_a_person_must_give_is_said_at_its_head() -> None:
    text = COMPOSE.read_text()
    head = text.partition("\nx-product")[0]
    needed = {name for name, must in references(text).items() if must}
    assert needed
    assert {name for name in needed if name not in head} == set()
    literal = [line for line in text.splitlines() if re.search(r"(?:PASSWORD|KEY): +[^$ \n]", line)]
    assert literal == [], "every secret comes from outside"


def test_compose_itself_takes_it() -> None:
    engine = shutil.which("docker") or "docker"
    try:
        subprocess.run([engine, "compose", "version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("there is no docker compose on this machine; the tests above have read the file")
    given = dict.fromkeys(references(COMPOSE.read_text()), "x1")
    asked = [engine, "compose", "-f", str(COMPOSE), "config", "--quiet"]
    run = subprocess.run(asked, env={**os.environ, **given}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
