"""Signals that ask a run to end, noted rather than obeyed at once."""

import signal
import threading

NAMES = ("SIGTERM", "SIGINT")


class Requests:
    """Notes SIGTERM and SIGINT (Ctrl-C) while it listens; a second one of a kind is obeyed at once.

    Attributes:
        counts: how many came, `[SIGTERM, SIGINT]`.
    """

    def __init__(self):
        self.counts = [0, 0]
        self._before = {}

    def listen(self):
        """Begin to note signals. Only a process's main thread can."""
        self.counts = [0, 0]
        if threading.current_thread() is not threading.main_thread():
            return
        for name in NAMES:
            number = getattr(signal, name)
            self._before[number] = signal.signal(number, self._note)

    def stop_listening(self):
        """Restore the handlers that were there before."""
        for number, handler in self._before.items():
            # A handler that was not set from Python is not known here, nor can it be set.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}

    def _note(self, number, frame):
        which = NAMES.index(signal.Signals(number).name)
        self.counts[which] += 1
        if self.counts[which] > 1:
            self.stop_listening()
            signal.raise_signal(number)
