import inspect

from synthgate.client import errors


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert all(issubclass(kind, errors.GateError) for kind in kinds)
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in kinds)


def test_what_is_refused_says_where_and_how_to_mend() -> None:
    error = errors.EventError("too_large", "/data", "300000 bytes", "send less")
    assert str(error) == "/data: 300000 bytes (too_large); send less"
    assert isinstance(error, ValueError)
    assert (error.code, error.where, error.mend) == ("too_large", "/data", "send less")
