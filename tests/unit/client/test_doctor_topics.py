"""What the doctor says about Python, the machine, GPUs, backends, caches and settings."""

import importlib.metadata
import os
import shutil
import sys
import time
from pathlib import Path

import numba.core.caching
import pytest

from fashquick_client.doctor import backends, caches, devices, machine, python, settings
from fashquick_client.doctor.findings import Level
from fashquick_client.services import Service
from fashquick_common.server.main import available_cpus
from tests.support.waiting import eventually

GB = 1_000_000_000


def levels(findings):
    return [finding.level for finding in findings]


def runs(pid):
    """Whether a process is there and more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class TestPython:
    @pytest.mark.parametrize(
        ("version", "implementation", "bits", "level"),
        [
            ((3, 11, 0), "CPython", 64, Level.OK),
            ((3, 20, 1), "CPython", 64, Level.OK),
            ((3, 10, 14), "CPython", 64, Level.PROBLEM),
            ((2, 99, 0), "CPython", 64, Level.PROBLEM),
            ((3, 12, 0), "CPython", 32, Level.PROBLEM),
            ((3, 11, 0), "PyPy", 64, Level.NOTE),
        ],
    )
    def test_interpreters(self, version, implementation, bits, level):
        assert levels(python.interpreter(version, implementation, bits=bits)) == [level]

    def test_other_systems_and_shared_environments_are_noted(self):
        assert levels(python.surroundings("linux", "/env", "/usr")) == [Level.OK, Level.OK]
        assert levels(python.surroundings("darwin", "/env", "/usr")) == [Level.NOTE, Level.OK]
        assert levels(python.surroundings("linux", "/usr", "/usr")) == [Level.OK, Level.NOTE]

    def test_everything_here_fits_together(self):
        findings = python.check(python.stubs_trouble())
        assert Level.PROBLEM not in levels(findings)
        assert any(
            "client, orchestrator, segmentation, features, generation installed" in each.found for each in findings
        )

    def test_distributions_of_different_versions_are_a_problem(self, monkeypatch):
        real = importlib.metadata.version
        monkeypatch.setattr(
            "importlib.metadata.version", lambda name: "9.9.9" if name == "fashquick-features" else real(name)
        )
        [finding] = python.distributions(python.installed_versions())
        assert finding.level is Level.PROBLEM
        assert "features 9.9.9" in finding.found

    def test_a_part_of_the_distributions_is_fine(self):
        assert levels(python.distributions({"client": "1.0", "common": "1.0"})) == [Level.OK]

    @pytest.mark.parametrize(
        ("name", "version", "level"),
        [
            ("grpcio", "1.60.2", Level.PROBLEM),
            ("grpcio", "1.9.0", Level.PROBLEM),
            ("grpcio", "2.0.0rc1", Level.OK),
            ("protobuf", "5.29.0", Level.PROBLEM),
            ("protobuf", "70.0", Level.OK),
        ],
    )
    def test_libraries_older_than_the_stubs_are_a_problem(self, monkeypatch, name, version, level):
        real = importlib.metadata.version
        monkeypatch.setattr("importlib.metadata.version", lambda each: version if each == name else real(each))
        [finding] = [each for each in python.stubs(None) if each.found.startswith(f"{name} {version}")]
        assert finding.level is level
        if level is Level.PROBLEM:
            assert f"{name}>=" in finding.advice

    def test_a_library_that_is_gone_is_a_problem(self, monkeypatch):
        real = importlib.metadata.version

        def version(name):
            if name == "protobuf":
                raise importlib.metadata.PackageNotFoundError(name)
            return real(name)

        monkeypatch.setattr("importlib.metadata.version", version)
        assert any("protobuf is not installed" in each.found for each in python.stubs("ImportError: no"))


class TestMachine:
    @pytest.fixture
    def root(self, tmp_path):
        (tmp_path / "proc").mkdir()
        (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
        self.write(tmp_path, meminfo="MemTotal:       16000000 kB\nMemFree: 1 kB\n")
        return tmp_path

    def write(self, root, **files):
        places = {"meminfo": "proc/meminfo", "cpu": "sys/fs/cgroup/cpu.max", "memory": "sys/fs/cgroup/memory.max"}
        for name, text in files.items():
            (root / places[name]).write_text(text)

    def test_cpus_are_counted_as_the_servers_count_them(self):
        [finding] = machine.cpus(Path("/"))
        assert finding.found.startswith(f"{available_cpus()} of {os.cpu_count()} CPU")

    @pytest.mark.parametrize(
        ("quota", "found", "level"),
        [
            ("100000 100000", "1 of ", Level.OK),
            ("50000 100000", "allows 0.5 of a CPU", Level.NOTE),
            ("max 100000", f"{len(os.sched_getaffinity(0))} of ", Level.OK),
            ("9900000 100000", f"{len(os.sched_getaffinity(0))} of ", Level.OK),
            ("nonsense", f"{len(os.sched_getaffinity(0))} of ", Level.OK),
            ("1 0", f"{len(os.sched_getaffinity(0))} of ", Level.OK),
        ],
    )
    def test_a_cgroup_cuts_the_cpus(self, root, quota, found, level):
        self.write(root, cpu=quota)
        [finding] = machine.cpus(root)
        assert found in finding.found
        assert finding.level is level

    @pytest.mark.parametrize(
        ("meminfo", "limit", "found", "level"),
        [
            ("MemTotal: 16000000 kB", "max", "16.4 GB of memory", Level.OK),
            ("MemTotal: 7812500 kB", "max", "8.0 GB of memory", Level.OK),
            ("MemTotal: 7812499 kB", "max", "8.0 GB of memory", Level.NOTE),
            ("MemTotal: 16000000 kB", "2000000000", "2.0 GB of memory, limited by the cgroup from 16.4", Level.NOTE),
            ("MemTotal: 16000000 kB", "9223372036854771712", "16.4 GB of memory", Level.OK),
            ("MemTotal: 16000000 kB", "?", "16.4 GB of memory", Level.OK),
            ("MemTotal:", "max", "cannot be read", Level.NOTE),
            ("", "max", "cannot be read", Level.NOTE),
        ],
    )
    def test_memory_and_its_limit(self, root, meminfo, limit, found, level):
        self.write(root, meminfo=meminfo, memory=limit)
        [finding] = machine.memory(root)
        assert found in finding.found
        assert finding.level is level

    @pytest.mark.parametrize(
        ("free", "level"), [(5 * GB, Level.OK), (5 * GB - 1, Level.NOTE), (GB // 20, Level.PROBLEM)]
    )
    def test_disks(self, monkeypatch, tmp_path, free, level):
        monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(100 * GB, 0, free))
        [finding] = machine.disks([tmp_path, tmp_path / "missing", tmp_path])
        assert finding.level is level
        assert str(tmp_path) in finding.found


class TestDevices:
    @pytest.fixture
    def tool(self, tmp_path, monkeypatch):
        """Writes a script in the place of nvidia-smi."""
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

        def write(script):
            path = tmp_path / "nvidia-smi"
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
            return path

        return write

    def test_without_the_tool_everything_works(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        [finding] = devices.check()
        assert (finding.level, "everything works without one" in finding.found) == (Level.OK, True)

    def test_gpus_are_named_with_memory_and_driver(self, tool):
        tool('echo "NVIDIA H100 80GB HBM3, 81559 MiB, 550.54.15"; echo "NVIDIA GeForce GT 1030, 2048 MiB, 550.54.15"')
        first, second = devices.check()
        assert first.found.startswith("NVIDIA H100 80GB HBM3, 79.6 GiB, driver 550.54.15")
        assert (first.level, second.level) == (Level.OK, Level.NOTE)

    def test_it_is_asked_for_what_is_read(self, tool, tmp_path):
        tool(f'echo "$@" > {tmp_path}/asked')
        devices.check()
        assert (tmp_path / "asked").read_text() == (
            "--query-gpu=name,memory.total,driver_version --format=csv,noheader\n"
        )

    @pytest.mark.parametrize(
        ("line", "level"),
        [
            ("Tesla K20, big, 4096 MiB, 470.1", Level.OK),
            ("GTX 1650, 3815 MiB, 1", Level.OK),
            ("GTX 1650, 3814 MiB, 1", Level.NOTE),
            ("NVIDIA GB10, [N/A], 580.1", Level.OK),
            ("NVIDIA X, ٤ MiB, 1", Level.OK),
            ("who knows", Level.NOTE),
        ],
    )
    def test_lines(self, line, level):
        assert levels(devices.gpus(line + "\n")) == [level]
        assert levels(devices.gpus("\n\n")) == [Level.OK]

    def test_a_name_may_have_commas(self):
        [finding] = devices.gpus("Tesla K20, big, 4096 MiB, 470.1")
        assert finding.found.startswith("Tesla K20, big, 4.0 GiB, driver 470.1")

    def test_a_tool_that_fails_is_told_with_its_words(self, tool):
        tool('echo "NVIDIA-SMI has failed: no driver"; exit 9')
        [finding] = devices.check()
        assert finding.level is Level.NOTE
        assert "exit code 9: NVIDIA-SMI has failed: no driver" in finding.found
        tool("exit 9")
        assert "without a word" in devices.check()[0].found

    def test_a_tool_that_cannot_be_started_is_told(self, tool):
        tool("").write_text("#!/no/such/interpreter\n")
        [finding] = devices.check()
        assert (finding.level, "cannot be started" in finding.found) == (Level.NOTE, True)

    async def test_a_tool_that_hangs_is_ended_with_what_it_started(self, tool, tmp_path, monkeypatch):
        monkeypatch.setattr(devices, "LIMIT_S", 0.5)
        tool(f"sleep 60 & echo $! > {tmp_path}/child; wait")
        begun = time.monotonic()
        [finding] = devices.check()
        assert finding.level is Level.NOTE
        assert "no answer within 0.5 seconds" in finding.found
        assert time.monotonic() - begun < 20
        child = int((tmp_path / "child").read_text())
        await eventually(lambda: not runs(child))

    @pytest.mark.parametrize("script", ["exec yes", "exec >&-; exec sleep 60"])
    def test_a_tool_that_never_stops_talking_or_only_closes_its_mouth_is_ended(self, tool, monkeypatch, script):
        monkeypatch.setattr(devices, "LIMIT_S", 0.5)
        tool(script)
        assert "no answer within" in devices.check()[0].found


class TestBackends:
    def test_those_of_this_installation_are_complete(self):
        findings = backends.check()
        assert set(levels(findings)) == {Level.OK}
        for backend in backends.BUILT_IN:
            assert any(each.found.startswith(f"{backend.name} ({backend.service}) is installed") for each in findings)
        assert any(each.found.startswith("sam2 has its libraries") for each in findings)
        assert any(each.found.startswith("diffusion has its libraries") for each in findings)

    def test_an_extra_that_is_not_installed_is_no_problem(self, monkeypatch):
        monkeypatch.setattr(backends, "is_installed", lambda name: name != "torch")
        finding = backends.optional("sam2", ("torch", "sam2"))
        assert finding.level is Level.OK
        assert finding.found.startswith("sam2 is left out: torch not installed")

    @pytest.fixture
    def package(self, tmp_path, monkeypatch):
        """A package in the place of the generation service."""
        folder = tmp_path / "packages" / "stand_in_generation"
        (folder / "studio/figure/data").mkdir(parents=True)
        (folder / "__init__.py").write_text("raise RuntimeError('the doctor must not load it')")
        (folder / "studio/figure/data/body.npz").write_bytes(b"PK")
        monkeypatch.syspath_prepend(str(folder.parent))
        monkeypatch.setattr(Service, "module", property(lambda service: f"stand_in_{service}"))
        return folder

    STUDIO = backends.BUILT_IN[-1]

    def test_a_package_is_looked_at_without_loading_it(self, package):
        assert levels(backends.built_in(self.STUDIO)) == [Level.OK]

    @pytest.mark.parametrize("harm", ["missing", "empty"])
    def test_lost_data_is_a_problem(self, package, harm):
        file = package / "studio/figure/data/body.npz"
        file.unlink()
        if harm == "empty":
            file.touch()
        [finding] = backends.built_in(self.STUDIO)
        assert finding.level is Level.PROBLEM
        assert f"studio (generation) has lost its data: {file}" in finding.found

    def test_a_missing_library_is_a_problem(self, package):
        lacking = backends.BuiltIn(
            Service.GENERATION, "studio", "studio/figure/data/body.npz", ("numpy", "no_such_library")
        )
        [finding] = backends.built_in(lacking)
        assert finding.level is Level.PROBLEM
        assert finding.found.endswith("lacks its libraries: no_such_library")

    def test_what_an_uninstalled_package_leaves_behind_is_no_package(self, package):
        (package / "__init__.py").unlink()
        [finding] = backends.built_in(self.STUDIO)
        assert finding.level is Level.OK
        assert "not installed here (only needed to run servers)" in finding.found


class TestCaches:
    @pytest.fixture
    def studio(self, tmp_path, monkeypatch):
        """A generation service with a cache beside its source, and a home without one."""
        package = tmp_path / "site" / "stand_in_generation"
        (package / "studio" / "__pycache__").mkdir(parents=True)
        (package / "__init__.py").touch()
        monkeypatch.syspath_prepend(str(package.parent))
        monkeypatch.setattr(Service, "module", property(lambda service: f"stand_in_{service}"))
        monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home-cache"))
        return package / "studio"

    def block(self, *folders):
        """Make folders that nobody can write in, not even root."""
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.touch()

    def warm(self, folder, tag=f"py{sys.version_info[0]}{sys.version_info[1]}{sys.abiflags}"):
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("raster._draw-36", "solver._step-161"):
            (folder / f"{name}.{tag}.nbi").touch()
            (folder / f"{name}.{tag}.1.nbc").touch()

    def test_a_warm_cache_is_counted(self, studio):
        self.warm(studio / "__pycache__")
        [finding] = caches.kernels()
        assert finding.level is Level.OK
        assert finding.found == f"2 compiled kernels of the studio in {studio}/__pycache__"

    @pytest.mark.parametrize("tag", [None, "py39"])
    def test_a_cold_cache_is_a_note(self, studio, tag):
        if tag:
            self.warm(studio / "__pycache__", tag)
        [finding] = caches.kernels()
        assert finding.level is Level.NOTE
        assert "half a minute" in finding.advice

    def test_a_chosen_folder_goes_before_the_one_beside_the_source(self, studio, tmp_path, monkeypatch):
        self.warm(studio / "__pycache__")
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "chosen"))
        [finding] = caches.kernels()
        assert finding.level is Level.NOTE
        assert str(tmp_path / "chosen") in finding.found
        assert not (tmp_path / "chosen").exists()

    def test_a_chosen_folder_that_cannot_be_written_to_does_not_count(self, studio, tmp_path, monkeypatch):
        self.warm(studio / "__pycache__")
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "chosen"))
        self.block(tmp_path / "chosen")
        first, second = caches.kernels()
        assert (first.level, "NUMBA_CACHE_DIR cannot be written to" in first.found) == (Level.NOTE, True)
        assert (second.level, str(studio) in second.found) == (Level.OK, True)

    def test_without_any_folder_the_server_cannot_start(self, studio, tmp_path):
        self.block(studio / "__pycache__", tmp_path / "home-cache")
        [finding] = caches.kernels()
        assert finding.level is Level.PROBLEM
        assert "does not start" in finding.found
        assert "NUMBA_CACHE_DIR" in finding.advice

    @pytest.mark.parametrize("allowed", [os.R_OK, os.R_OK | os.X_OK, os.R_OK | os.W_OK])
    def test_a_folder_without_permission_cannot_be_written_to(self, tmp_path, monkeypatch, allowed):
        assert caches.is_writable(tmp_path / "new")
        monkeypatch.setattr("os.access", lambda _, mode: mode & allowed == mode)  # Root may write everywhere.
        assert not caches.is_writable(tmp_path / "new")

    @pytest.mark.parametrize("blocked", [[], ["chosen"], ["chosen", "source"], ["chosen", "source", "home"]])
    def test_numba_itself_chooses_the_same_folder(self, studio, tmp_path, monkeypatch, blocked):
        chosen = tmp_path / "chosen"
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(chosen))
        monkeypatch.setattr("numba.core.config.CACHE_DIR", str(chosen))
        places = {"chosen": chosen, "source": studio / "__pycache__", "home": tmp_path / "home-cache"}
        self.block(*(places[name] for name in blocked))
        source = studio / "kernel.py"
        source.write_text("def kernel():\n    pass\n")
        ours = [each.path for each in caches.kernel_folders(studio) if caches.is_writable(each.path)]
        namespace = {}
        exec(compile(source.read_text(), str(source), "exec"), namespace)
        if not ours:
            with pytest.raises(RuntimeError, match="no locator available"):
                numba.core.caching.FunctionCache(namespace["kernel"])
        else:
            assert numba.core.caching.FunctionCache(namespace["kernel"]).cache_path == str(ours[0])

    def test_temporary_files(self, monkeypatch, tmp_path):
        assert levels(caches.temporary()) == [Level.OK]
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
        [finding] = caches.temporary()
        assert finding.level is Level.PROBLEM
        assert "TMPDIR" in finding.advice


class TestSettings:
    @pytest.fixture(autouse=True)
    def _nothing_set(self, monkeypatch):
        for name in list(os.environ):
            if name.upper().startswith("FASHQUICK_"):
                monkeypatch.delenv(name)

    def test_every_setting_of_every_server_is_known(self):
        known = settings.known_names(settings.settings_classes())
        assert known >= {
            "FASHQUICK_PORT",
            "FASHQUICK_QUEUE_LENGTH",
            "FASHQUICK_SEGMENTATION_TARGET",
            "FASHQUICK_MAX_JOBS",
            "FASHQUICK_MODELS",
            "FASHQUICK_OFFLINE",
        }
        assert len(settings.settings_classes()) == 1 + len(Service)

    def test_nothing_set_is_fine(self):
        assert [(each.level, each.found) for each in settings.check()] == [(Level.OK, "no FASHQUICK_ variable is set")]

    def test_good_values_are_fine(self, monkeypatch):
        monkeypatch.setenv("FASHQUICK_QUEUE_LENGTH", "3")
        monkeypatch.setenv("fashquick_port", "7400")
        monkeypatch.setenv("FASHQUICK_OFFLINE", "1")
        findings = settings.check()
        assert set(levels(findings)) == {Level.OK}
        assert any("FASHQUICK_OFFLINE is '1'" in each.found for each in findings)
        assert any("3 FASHQUICK_ variables are set" in each.found for each in findings)

    def test_an_unknown_name_is_noted_with_the_closest_known_one(self, monkeypatch):
        monkeypatch.setenv("FASHQUICK_QEUE_LENGHT", "3")
        monkeypatch.setenv("FASHQUICK_ZZZZZZZZZZ", "3")
        close, far = [each for each in settings.check() if each.level is Level.NOTE]
        assert "FASHQUICK_QEUE_LENGHT is set, but nothing reads it" in close.found
        assert close.advice == "Did you mean FASHQUICK_QUEUE_LENGTH?"
        assert "FASHQUICK_ZZZZZZZZZZ" in far.found
        assert "Did you mean" not in far.advice

    def test_a_value_that_no_server_takes_is_one_problem(self, monkeypatch):
        monkeypatch.setenv("FASHQUICK_DRAIN_S", "-1")
        monkeypatch.setenv("FASHQUICK_MAX_JOBS", "many" * 1000)
        findings = settings.check()
        drain, jobs = sorted((each for each in findings if each.level is Level.PROBLEM), key=lambda each: each.found)
        assert "FASHQUICK_DRAIN_S is '-1': Input should be greater than or equal to 0" in drain.found
        assert jobs.found.startswith("FASHQUICK_MAX_JOBS is 'many")
        assert len(jobs.found) < 200
        assert not any("with values that fit" in each.found for each in findings)

    def test_without_the_services_names_are_not_judged(self, monkeypatch):
        monkeypatch.setenv("FASHQUICK_QEUE_LENGHT", "3")
        monkeypatch.setattr(settings, "is_installed", lambda module: module != "pydantic_settings")
        [finding] = settings.check()
        assert (finding.level, "only needed to run servers" in finding.found) == (Level.OK, True)
