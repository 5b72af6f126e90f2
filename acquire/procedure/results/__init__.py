"""From readings to a result: which readings, what they give a method, the result in versions, and its verification."""
