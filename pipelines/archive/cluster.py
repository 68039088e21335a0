# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts or connects to Dask workers, on this machine or many."""

import contextlib
import logging
import os
import pathlib
import signal
import sys
import tempfile

from failures import Failure

HERE = pathlib.Path(__file__).resolve().parent
INSTALLED = "/usr/libexec/fastscnn/archive"  # of the Debian package
TOPIC = "fastscnn-frames"
PATIENCE = 60  # seconds, for the first worker


def on_worker(folders, module, function, *arguments):
    """Runs a function of this program on a worker. folders: where it may be
    installed there. Arguments must not need a module of this program, because they
    are unpickled before it can be imported."""
    import importlib
    import os
    import sys
    for folder in folders:
        if os.path.isdir(folder):
            if folder not in sys.path:
                sys.path.insert(0, folder)
            break
    else:
        raise FileNotFoundError(2, "install this project's packages", folders[0])
    return getattr(importlib.import_module(module), function)(*arguments)


# Ctrl-C reaches all processes of a terminal, but this program ends its workers
# itself. So they ignore SIGINT: the first ones inherit that, and those that Dask
# starts again run this.
IGNORE_INTERRUPTS = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"


@contextlib.contextmanager
def _interrupts_ignored():
    old = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, old)


@contextlib.contextmanager
def open_cluster(scheduler, workers):
    """Returns a Dask client. scheduler: its address, or None for one on this
    machine with this number of workers (0: one per core)."""
    import cloudpickle
    from distributed import Client, LocalCluster
    from distributed.security import Security
    # on_worker() is sent whole: workers do not know this module.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            try:
                # Without TLS everybody on this machine could run programs as
                # this user.
                security = Security.temporary()
            except ImportError as error:
                raise Failure("install python3-cryptography") from error
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            with _interrupts_ignored():
                # A worker's memory holds its network and a few frames, but no
                # results, so Dask need not limit it. This program reports
                # failures; Dask's messages when it ends would only alarm users.
                cluster = stack.enter_context(LocalCluster(
                    n_workers=workers or len(os.sched_getaffinity(0)),
                    threads_per_worker=1, memory_limit=0, security=security,
                    dashboard_address=None, local_directory=folder,
                    preload=[IGNORE_INTERRUPTS],
                    silence_logs=logging.CRITICAL + 1))
            client = stack.enter_context(Client(cluster))
        else:
            try:
                client = stack.enter_context(Client(scheduler))
                client.wait_for_workers(1, timeout=PATIENCE)
            except (OSError, ValueError) as error:
                raise Failure(f"{scheduler} cannot be used: {error}") from error
            except TimeoutError as error:
                raise Failure(f"{scheduler} has no workers; start dask-worker "
                              f"{scheduler} where there is work to do"
                              ) from error
        yield client
