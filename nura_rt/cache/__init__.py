"""Redis as a cache and a doorbell: nothing that matters lives only here."""
