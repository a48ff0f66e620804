"""The parts of hub_round_trip.py."""
