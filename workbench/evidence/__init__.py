"""What an audit leaves behind: measurements, exhibits, cards, the record. A leaf: no torch, nothing else of ours."""
