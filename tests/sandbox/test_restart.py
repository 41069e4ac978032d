"""What the pretend tenant remembers in its folder, and where it refuses to start."""

import socket
from pathlib import Path

import pytest

from sandbox.server import Sandbox, SandboxError, identity
from sandbox.tenant import Tenant
from tests.sandbox.running import running
from tests.sandbox.tenants import HELPDESK, PEOPLE, SHORT, person, tenant
from tests.sandbox.test_mailboxes import mail


async def _change_everything(one: Tenant, folder: Path) -> None:
    async with running(one, folder) as graph:
        reference = {"@odata.id": f"{graph.sandbox.graph_url}/users/anna"}
        assert (await graph.post(f"/groups/{SHORT}/members/$ref", reference)).status == 204
        assert (await graph.delete(f"/groups/{HELPDESK}/members/gareth/$ref")).status == 204
        assert (await graph.delete("/users/meera")).status == 204
        assert (await graph.post("/users/anna/sendMail", {"message": mail("Kept – 🙂", "a@b.example")})).status == 202
        await graph.door("POST", "clock", {"set": "2031-05-06T07:00:00Z"})


async def test_a_restart_in_the_same_folder_remembers(tmp_path: Path) -> None:
    one = tenant(tmp_path)
    await _change_everything(one, tmp_path)
    async with running(one, tmp_path) as graph:
        assert (await graph.get(f"/groups/{SHORT}/members")).ids == ["anna"]
        assert (await graph.get(f"/groups/{HELPDESK}/members")).ids == []
        assert (await graph.get("/users/meera")).error[0] == 404
        assert [one["subject"] for one in await graph.door("GET", "mail")] == ["Kept – 🙂"]
        assert (await graph.door("GET", "clock"))["now"].startswith("2031-05-06T07:")


async def test_calls_and_faults_are_forgotten_at_a_restart(tmp_path: Path) -> None:
    one = tenant(tmp_path)
    async with running(one, tmp_path) as graph:
        await graph.get("/users")
        await graph.door("POST", "faults", {"status": 503})
    async with running(one, tmp_path) as graph:
        assert await graph.door("GET", "calls") == []
        assert await graph.door("GET", "faults") == []


async def test_a_clock_that_was_set_back_is_remembered_too(tmp_path: Path) -> None:
    one = tenant(tmp_path)
    async with running(one, tmp_path) as graph:
        await graph.door("POST", "clock", {"set": "1999-12-31T23:00:00.5Z"})
    async with running(one, tmp_path) as graph:
        assert (await graph.door("GET", "clock"))["now"].startswith("1999-12-31T23:00:")


async def test_another_tenant_file_begins_afresh(tmp_path: Path) -> None:
    await _change_everything(tenant(tmp_path), tmp_path)
    other = tenant(tmp_path, users=[*PEOPLE, person("new", "New Person", groups=["exempt_long"])])
    async with running(other, tmp_path) as graph:
        assert (await graph.get(f"/groups/{SHORT}/members")).ids == []
        assert (await graph.get(f"/groups/{HELPDESK}/members")).ids == ["gareth", "meera"]
        assert (await graph.get("/groups/group-long/members")).ids == ["new"]
        assert await graph.door("GET", "mail") == []
        assert not (await graph.door("GET", "clock"))["now"].startswith("2031")


async def test_the_same_content_written_otherwise_is_the_same_tenant(tmp_path: Path) -> None:
    one = tenant(tmp_path)
    path = tmp_path / "tenant.toml"
    path.write_text("# a comment\r\n\r\n" + path.read_text("utf-8").replace(" = ", "   =  "), "utf-8")
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    assert tenant(other_folder).digest == one.digest


async def test_two_sandboxes_are_told_apart_by_tenant_and_folder(tmp_path: Path) -> None:
    one, other = tenant(tmp_path), tenant(tmp_path, tenant_id="other")
    assert identity(one, tmp_path) == identity(one, tmp_path / "x" / "..")
    assert len({identity(one, tmp_path), identity(one, tmp_path / "x"), identity(other, tmp_path)}) == 3
    async with running(one, tmp_path) as graph:
        assert await graph.door("GET", "identity") == {"sandbox": identity(one, tmp_path), "tenant_id": "a-tenant"}


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "example.com", "", "127.0.0.1.example", "[::1]", "8.8.8.8"]
)
async def test_it_listens_on_loopback_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(SandboxError) as refused:
        await Sandbox(tenant(tmp_path), tmp_path / "data", host, 0).start()
    assert str(refused.value) == f"The sandbox listens on loopback only. Set HOST to 127.0.0.1 instead of {host!r}."
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "127.1.2.3"])
async def test_any_name_of_loopback_will_do(tmp_path: Path, host: str) -> None:
    sandbox = Sandbox(tenant(tmp_path), tmp_path, host, 0)
    await sandbox.start()
    assert sandbox.url.startswith(f"http://{host}:")
    assert not sandbox.url.endswith(":0")
    await sandbox.close()


async def test_a_port_that_is_taken_is_said_so_and_the_state_is_left_alone(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError) as refused:
            await Sandbox(tenant(tmp_path), tmp_path / "data", port=port).start()
    assert str(refused.value) == (
        f"Port {port} on 127.0.0.1 is taken by another program. Stop that, or set SANDBOX_PORT to another port."
    )
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
async def test_a_port_that_cannot_be_is_said_so(tmp_path: Path, port: int) -> None:
    with pytest.raises(SandboxError) as refused:
        await Sandbox(tenant(tmp_path), tmp_path, port=port).start()
    assert str(refused.value) == f"The sandbox cannot listen on 127.0.0.1, port {port}: bind(): port must be 0-65535."


async def test_a_data_folder_that_cannot_be_used_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sandbox.sqlite3").write_text("not a database at all, but long enough to look like one" * 20)
    for folder, reason in ((file, "File exists"), (broken, "file is not a database")):
        with pytest.raises(SandboxError) as refused:
            await Sandbox(tenant(tmp_path), folder, port=0).start()
        assert str(refused.value) == f"The data folder {folder} cannot be used: {reason}."


async def test_closing_twice_or_before_the_start_harms_nobody(tmp_path: Path) -> None:
    sandbox = Sandbox(tenant(tmp_path), tmp_path, port=0)
    await sandbox.close()
    await sandbox.start()
    await sandbox.close()
    await sandbox.close()
    async with running(tenant(tmp_path), tmp_path) as graph:
        assert len((await graph.get("/users")).ids) == 7
