"""Spikes in and out while a network runs, as sPyNNaker's external_devices have it."""

import socket
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pycosim
from pycosim.errors import InvalidInputError, NotSupportedError, PycosimWarning
from pycosim.frontend import live
from pycosim.frontend.eieio import decode, encode
from pycosim.frontend.live import hub


@pytest.fixture
def devices(sim):
    """The namespace of the native engine's module; its connections are forgotten after the test."""
    yield sim.external_devices
    hub.forget()


def times(population):
    return [np.asarray(train).tolist() for train in population.get_data("spikes").segments[-1].spiketrains]


def closed_loop(sim, n_answers=5):
    """A cell whose spikes are sent back to it by a callback; returns its spikes and what was received.

    A spike of 40 nA makes it fire two steps after it was emitted (delay 1 ms, and the current moves the
    membrane one step later). A spike of step k is received after the piece of 1 ms that ends there, so the
    answer is emitted at k + 1, and the cell fires every 3 ms.
    """
    devices, received = sim.external_devices, []
    connection = devices.SpynnakerLiveSpikesConnection(receive_labels=["cell"], send_labels=["in"])

    def answer(label, step, neurons):
        received.append((label, step, neurons))
        if len(received) <= n_answers:
            connection.send_spikes("in", neurons)

    connection.add_receive_callback("cell", answer)
    sim.setup(timestep=1.0)
    cell = sim.Population(1, sim.IF_curr_exp(tau_syn_E=1.0), label="cell")
    injector = sim.Population(1, devices.SpikeInjector(), label="in")
    start = sim.Population(1, sim.SpikeSourceArray(spike_times=[2.0]))
    for source in (injector, start):
        sim.Projection(source, cell, sim.OneToOneConnector(), sim.StaticSynapse(weight=40.0, delay=1.0))
    cell.record("spikes")
    injector.record("spikes")
    devices.activate_live_output_for(cell)
    sim.run(50.0)
    assert received == [("cell", int(t), [0]) for t in times(cell)[0]]
    return times(cell)[0], times(injector)[0]


@pytest.mark.parametrize("target", ["native", "reference", "loihi[timing=ideal]", "truenorth[timing=ideal]"])
def test_what_a_callback_sends_acts_one_step_after_the_spike_that_it_answers(target):
    found = []
    result = pycosim.run(lambda sim: found.append(closed_loop(sim)), target)
    assert result.error is None
    assert found == [([4.0, 7.0, 10.0, 13.0, 16.0, 19.0], [5.0, 8.0, 11.0, 14.0, 17.0])]


def test_injected_spikes_do_what_those_of_an_array_source_do(sim, devices):
    cell, injected = closed_loop(sim)
    sim.setup(timestep=1.0)
    target = sim.Population(1, sim.IF_curr_exp(tau_syn_E=1.0))
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[2.0, *injected]))
    sim.Projection(source, target, sim.OneToOneConnector(), sim.StaticSynapse(weight=40.0, delay=1.0))
    target.record("spikes")
    sim.run(50.0)
    assert times(target)[0] == cell


def test_what_is_sent_at_the_start_acts_in_the_first_step(sim, devices):
    told = []
    connection = devices.SpynnakerLiveSpikesConnection(send_labels=["in"], local_port=None)
    connection.add_init_callback("in", lambda *about: told.append(about))
    connection.add_start_resume_callback("in", lambda label, sender: sender.send_spike(label, 1))
    connection.add_pause_stop_callback("in", lambda label, sender: told.append(label))
    devices.set_pace(float("inf"))
    sim.setup(timestep=0.5)
    injector = sim.Population(3, devices.SpikeInjector(), label="in")
    injector.record("spikes")
    sim.run(10.0)
    sim.run(10.0)
    assert times(injector) == [[], [0.5, 10.5], []]
    assert told == [("in", 3, 10.0, 0.5), "in", "in"]


def test_live_output_reaches_another_program_as_eieio_packets(sim, devices):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("localhost", 0))
        receiver.settimeout(5.0)
        sim.setup(timestep=1.0)
        sim.Population(1, sim.IF_curr_exp())
        source = sim.Population(70, sim.SpikeSourceArray(spike_times=[[3.0, 5.0]] + 69 * [[5.0]]))
        devices.activate_live_output_for(source, host="localhost", port=receiver.getsockname()[1])
        sim.run(10.0)
        packets = [receiver.recv(4096) for _ in range(3)]
    # Header: number of keys; payload prefix, payloads are times, 32-bit keys. Then the time, then the keys.
    assert packets[0] == struct.pack("<BBII", 1, 0b00111000, 3, 1 << 16)
    assert [packet[0] for packet in packets[1:]] == [63, 7]
    assert [struct.unpack_from("<I", packet, 2)[0] for packet in packets[1:]] == [5, 5]
    assert [key - (1 << 16) for packet in packets[1:] for key in decode(packet)] == list(range(70))


def test_an_injector_takes_eieio_packets_at_its_port(sim, devices):
    sim.setup(timestep=1.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    injector = sim.Population(
        5, devices.SpikeInjector(), additional_parameters={"port": port, "virtual_key": 0x70000}
    )
    injector.record("spikes")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(struct.pack("<BBHH", 2, 0, 1, 3), ("localhost", port))  # 16-bit keys
        sender.sendto(struct.pack("<BBI", 1, 0b1000, 0x70004), ("localhost", port))  # a 32-bit key
    devices.set_pace(float("inf"))
    sim.run(5.0)
    assert times(injector) == [[], [1.0], [], [1.0], [1.0]]
    with pytest.raises(InvalidInputError, match="UDP port"):
        sim.Population(1, devices.SpikeInjector(port=port))


def test_rates_are_changed_as_by_set_between_runs(sim, devices):
    def spikes(change):
        sim.setup(timestep=1.0, seed=3)
        noise = sim.Population(4, sim.SpikeSourcePoisson(rate=100.0), label="noise")
        clock = sim.Population(1, sim.SpikeSourceArray(spike_times=[50.0]), label="clock")
        noise.record("spikes")
        change(noise, clock)
        return times(noise)

    def live(noise, clock):
        control = devices.SpynnakerPoissonControlConnection(poisson_labels=["noise"])
        watch = devices.SpynnakerLiveSpikesConnection(receive_labels=["clock"])
        watch.add_receive_callback("clock", lambda *_: control.set_rates("noise", [(0, 0.0), (2, 500.0)]))
        devices.add_poisson_live_rate_control(noise)
        devices.activate_live_output_for(clock)
        sim.run(100.0)

    def between_runs(noise, clock):
        sim.run(50.0)
        noise.set(rate=[0.0, 100.0, 500.0, 100.0])
        sim.run(50.0)

    found = spikes(live)
    hub.forget()
    assert found == spikes(between_runs)
    assert not [t for t in found[0] if t > 50.0]
    assert len(found[2]) > len(found[1])


def test_model_time_follows_the_clock_at_the_pace_that_was_set(sim, devices, monkeypatch):
    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

        def sleep(self, seconds):
            self.now += seconds

    clock = Clock()
    monkeypatch.setattr(live, "time", clock)
    connection = devices.SpynnakerLiveSpikesConnection(send_labels=["in"])
    connection.add_start_resume_callback("in", lambda *_: None)
    for pace, seconds in ((None, 3.0), (2.0, 0.5), (float("inf"), 0.0)):
        with pytest.warns(PycosimWarning, match="time_scale_factor"):
            sim.setup(timestep=1.0, time_scale_factor=3)
        sim.Population(1, devices.SpikeInjector(), label="in")
        devices.set_pace(pace)
        clock.now = 0.0
        if pace is None:
            with pytest.warns(PycosimWarning, match="not the same every time"):
                sim.run(1000.0)
        else:
            sim.run(1000.0)
        assert clock.now == pytest.approx(seconds)


def test_a_run_for_ever_ends_when_it_is_asked_to(sim, devices):
    sim.setup(timestep=1.0)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1500.0]), label="clock")
    connection = devices.SpynnakerLiveSpikesConnection(receive_labels=["clock"])
    connection.add_receive_no_time_callback("clock", lambda *_: devices.request_stop())
    devices.activate_live_output_for(source)
    devices.run_forever()
    assert sim.get_current_time() == 1500.0
    sim.run(10.0)
    assert sim.get_current_time() == 1510.0


def test_brian2_refuses_live_input_by_name():
    result = pycosim.run(closed_loop, "brian2")
    assert isinstance(result.error, NotSupportedError)
    assert "Live input and output on brian2" in str(result.error)


def test_what_cannot_be_sent_is_an_error(sim, devices):
    connection = devices.SpynnakerLiveSpikesConnection(send_labels=["in", "cells"])
    with pytest.raises(InvalidInputError, match="'other' is not one of the labels"):
        connection.send_spike("other", 0)
    devices.set_pace(float("inf"))
    for label, neuron, problem in (("in", 7, "neurons 0 to 1"), ("cells", 0, "only a SpikeInjector")):
        sim.setup(timestep=1.0)
        sim.Population(2, devices.SpikeInjector(), label="in")
        sim.Population(1, sim.IF_curr_exp(), label="cells")
        connection.send_spike(label, neuron)
        with pytest.raises(InvalidInputError, match=problem):
            sim.run(1.0)
    with pytest.raises(InvalidInputError, match="greater than 0"):
        devices.set_pace(0)
    with pytest.raises(InvalidInputError, match="only for SpikeSourcePoisson"):
        devices.add_poisson_live_rate_control(sim.Population(1, sim.IF_curr_exp()))


def test_output_that_nobody_receives_is_noted(sim, devices):
    sim.setup(timestep=1.0)
    cells = sim.Population(1, sim.IF_curr_exp(), label="cells")
    with pytest.warns(PycosimWarning, match="no connection of the script receives it"):
        devices.activate_live_output_for(cells, database_notify_port_num=19999)
    sim.run(1.0)


def test_devices_that_are_not_there_are_stood_in_for_or_refused_by_name(sim, devices):
    sim.setup(timestep=1.0)
    with pytest.warns(PycosimWarning, match="no such device"):
        retina = devices.ExternalFPGARetinaDevice(
            mode=devices.ExternalFPGARetinaDevice.MODE_32,
            polarity=devices.ExternalFPGARetinaDevice.UP_POLARITY,
        )
    assert sim.Population(None, retina).size == 32 * 32
    with pytest.warns(PycosimWarning, match="MunichMotorDevice"):
        assert sim.Population(6, devices.MunichMotorDevice(spinnaker_link_id=0)).size == 6
    with pytest.raises(NotSupportedError, match=r"external_devices\.PushBotMotor is not supported"):
        _ = devices.PushBotMotor


def test_modules_inside_spynnaker_can_be_imported_under_its_names(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import pyNN.spiNNaker as sim\n"
        "import spynnaker.pyNN.external_devices as devices\n"
        "from pyNN.spiNNaker.external_devices import SpikeInjector\n"
        "from spynnaker.pyNN.utilities import neo_convertor\n"
        "from spynnaker8.utilities.neo_convertor import convert_data\n"
        "from spynnaker.plotting import SpynnakerPanel\n"
        "assert devices.SpikeInjector is SpikeInjector is sim.external_devices.SpikeInjector\n"
        "sim.setup(1.0)\n"
        "cells = sim.Population(2, sim.IF_curr_exp(i_offset=[0.0, 2.0]))\n"
        "cells.record(['spikes', 'v'])\n"
        "sim.run(20.0)\n"
        "data = cells.get_data()\n"
        "assert neo_convertor.convert_spikes(data).tolist() == [[1.0, 10.0], [1.0, 20.0]]\n"
        "assert neo_convertor.count_spikes(data) == 2\n"
        "(table,) = neo_convertor.convert_v_list(data)\n"
        "assert table.shape == (42, 3) and table[21].tolist() == [1.0, 0.0, -65.0]\n"
        "SpynnakerPanel(data); SpynnakerPanel(table); SpynnakerPanel(convert_data(data, 'spikes'))\n"
    )
    assert pycosim.run(script, "native").error is None


@given(keys=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=200), step=st.integers(0, 2**31))
def test_packets_hold_the_keys_that_were_put_in(keys, step):
    assert [key for packet in encode(keys, step) for key in decode(packet)] == keys


def test_packets_are_read_as_spinnman_lays_them_out():
    assert decode(struct.pack("<BBHH", 1, 0b11000000, 7, 5)) == [7 << 16 | 5]  # prefix in the upper half
    assert decode(struct.pack("<BBHI", 1, 0b10001000, 3, 0x50000)) == [0x50003]  # prefix in the lower half
    assert decode(struct.pack("<BBHHH", 1, 0b00100100, 9, 5, 6)) == [5]  # payload and payload prefix
    with pytest.raises(InvalidInputError, match="command"):
        decode(struct.pack("<BB", 0, 0b01000000))
    with pytest.raises(InvalidInputError, match="ends too early"):
        decode(struct.pack("<BBH", 2, 0, 1))
