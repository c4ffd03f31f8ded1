"""What another configuration would have done with the traffic that was recorded."""
