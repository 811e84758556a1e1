"""What a launcher does in advance and to no effect, so that its children, who do each thing once, do it quickly.

The interpreter specialises code that has run a few times (PEP 659): from then on it looks up no names, and touches half
of the memory. A child that is forked to run something once never gets there by itself, but inherits it.
"""

TIMES = 10  # code is warm after eight calls, and specialised by the next
