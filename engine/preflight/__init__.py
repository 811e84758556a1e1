"""What Boxdeck needs of a machine, and how to get what it lacks: found by trying, with nothing left behind."""
