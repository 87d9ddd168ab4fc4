"""docker-compose.yml, the Dockerfile and docs/deployment.md say the same thing, and Compose can read it."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
DOCS = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "docs" / "Dockerfile").read_text(encoding="utf-8")

STRINGS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
DURATION = {"type": "string", "pattern": r"^\d+(ms|s|m|h)$"}
# The part of the Compose specification that the file uses, without the forms it does not use: a key or a type outside
# of it is most likely a slip.
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "patternProperties": {"^x-": {}},
    "required": ["name", "services", "volumes"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
        "volumes": {"type": "object", "additionalProperties": {"type": "null"}},
        "services": {"type": "object", "additionalProperties": {"$ref": "#/$defs/service"}},
    },
    "$defs": {
        "service": {
            "type": "object",
            "additionalProperties": False,
            "required": ["image", "healthcheck", "restart"],
            "properties": {
                "build": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"context": {"type": "string"}, "dockerfile": {"type": "string"}},
                },
                "cap_drop": STRINGS,
                "command": {"anyOf": [STRINGS, {"type": "string"}]},
                "depends_on": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["condition"],
                        "properties": {"condition": {"const": "service_healthy"}},
                    },
                },
                "devices": STRINGS,
                "environment": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
                "healthcheck": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["test", "interval", "timeout", "retries", "start_period"],
                    "properties": {
                        "test": {
                            "type": "array",
                            "prefixItems": [{"const": "CMD"}],
                            "minItems": 2,
                            "items": {"type": "string"},
                        },
                        "interval": DURATION,
                        "timeout": DURATION,
                        "start_period": DURATION,
                        "retries": {"type": "integer", "minimum": 1},
                    },
                },
                "image": {"type": "string"},
                "init": {"type": "boolean"},
                "ports": STRINGS,
                "profiles": STRINGS,
                "read_only": {"type": "boolean"},
                "restart": {"enum": ["unless-stopped"]},
                "security_opt": STRINGS,
                "shm_size": {"type": "string"},
                "stop_grace_period": DURATION,
                "tmpfs": STRINGS,
                "volumes": STRINGS,
            },
        }
    },
}


def variables() -> dict[str, str]:
    """Each ${VARIABLE} of the compose file with its default; "required" where Compose must refuse to go on."""
    found = {name: "unset" for name, value in COMPOSE["x-settings"].items() if value is None}
    for name, operator, word in re.findall(r"\$\{(\w+)(:[-?])([^}]*)\}", TEXT):
        found.setdefault(name, "required" if operator == ":?" else word)
    return found


def documented() -> dict[str, str]:
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \| ([^|]+) \|", DOCS, re.MULTILINE)
    return {name: default.strip().strip("`") for name, default in rows}


def named_volumes(service: dict) -> list[str]:
    sources = [volume.split(":")[0] for volume in service.get("volumes", [])]
    return [source for source in sources if re.fullmatch(r"[\w-]+", source)]


def test_file_keeps_to_the_compose_specification():
    jsonschema.validate(COMPOSE, SCHEMA)


def test_a_misspelt_key_would_be_seen():
    wrong = {**COMPOSE, "services": {"app": {**SERVICES["app"], "enviroment": {}}}}
    with pytest.raises(jsonschema.ValidationError, match="enviroment"):
        jsonschema.validate(wrong, SCHEMA)


@pytest.mark.parametrize("profile", ["", "ascend"])
def test_compose_itself_reads_the_file(profile):
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("Docker Compose is not installed")
    environment = {**os.environ, "NEO4J_PASSWORD": "only-a-test", "COMPOSE_PROFILES": profile}
    done = subprocess.run(
        [docker, "compose", "--file", str(ROOT / "docker-compose.yml"), "config", "--quiet"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_neo4j_app_and_worker_are_there_and_the_model_only_on_demand():
    assert set(SERVICES) == {"neo4j", "app", "worker", "model"}
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["model"]


def test_every_service_has_a_volume_of_its_own_and_every_volume_is_declared():
    used = {name: named_volumes(service) for name, service in SERVICES.items()}
    assert {volume for volumes in used.values() for volume in volumes} == set(COMPOSE["volumes"])
    own = [volumes[-1] for volumes in used.values()]
    assert len(set(own)) == len(SERVICES)


def test_app_and_worker_share_the_workspace_their_commands_name():
    for name in ("app", "worker"):
        assert "workspace:/data" in SERVICES[name]["volumes"]
        assert SERVICES[name]["command"][:4] == ["kgbuilder", name, "--workspace", "/data"]


def test_app_and_worker_wait_for_a_healthy_graph():
    assert "neo4j" in SERVICES["app"]["depends_on"]
    assert set(SERVICES["worker"]["depends_on"]) == {"neo4j", "app"}


def test_ports_are_published_on_the_loopback_address_only():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_variable_is_documented_with_its_default():
    found, told = variables(), documented()
    assert set(found) == set(told)
    loose = {"ASCEND_IMAGE", "ASCEND_COMMAND", "KGBUILDER_ENDPOINT_API_KEY"}
    assert {name: told[name] for name in set(found) - loose} == {name: found[name] for name in set(found) - loose}


def test_no_secret_has_a_default():
    secrets = {name: default for name, default in variables().items() if re.search("PASSWORD|KEY|TOKEN|SECRET", name)}
    assert secrets == {"NEO4J_PASSWORD": "required", "KGBUILDER_ENDPOINT_API_KEY": "unset"}


def test_settings_of_app_and_worker_are_explained():
    names = [name for name in COMPOSE["x-settings"] if name.startswith("KGBUILDER_")]
    assert len(names) == 9
    assert [name for name in names if f"`{name}`" not in DOCS] == []


def test_services_named_in_the_docs_exist_with_their_volumes():
    rows = re.findall(r"^\| `([a-z0-9]+)` \| .*? \| (.*?) \|", DOCS, re.MULTILINE)
    assert {name for name, _ in rows} == set(SERVICES)
    for name, cell in rows:
        assert all(f"`{volume}`" in cell for volume in named_volumes(SERVICES[name])), name


def test_dockerfile_installs_locked_hashes_and_leaves_root():
    assert "--require-hashes --requirement requirements.lock" in DOCKERFILE
    assert re.search(r"^FROM \$\{PYTHON_IMAGE\}$.*^USER kgbuilder$", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert DOCKERFILE.startswith("#")
    assert "ARG PYTHON_IMAGE=python:3.11-slim" in DOCKERFILE


def test_dockerfile_copies_what_is_there_and_the_builder_is_given_it():
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()
    }
    assert all((ROOT / name).exists() for name in copied)
    ignore = (ROOT / "docs" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in ignore if line.startswith("!")} == copied
    assert "*" in ignore


def test_dockerfile_has_folders_for_the_volumes_of_the_user():
    targets = {v.split(":")[1] for name in ("app", "worker") for v in SERVICES[name]["volumes"]}
    made = re.search(r"install --directory .*?((?: /\w+)+)$", DOCKERFILE, re.MULTILINE)
    assert made
    assert set(made[1].split()) == targets


def test_dockerfile_removes_the_tools_of_developers_and_nothing_else():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    tools = [*project["project"]["optional-dependencies"]["dev"], *project["dependency-groups"]["build"]]
    names = {re.split(r"[\[<>=!~ ]", tool)[0] for tool in tools}
    # The ledger may be PostgreSQL, and Streamlit's charts check their schema.
    wanted = names - {"psycopg", "jsonschema"}
    removed = re.search(r"pip uninstall --quiet --yes \\\n((?:.*\\\n)*.*)", DOCKERFILE)
    assert removed
    assert set(removed[1].replace("\\", " ").split()) == wanted
